/**
 * Which lines are seen. Pure.
 *
 * The scrollbar counts lines, not pixels: a place of it is a line and a fraction of that line, however high the line is.
 * That holds for wrapped lines, whose heights nobody knows, and for logs that are longer than a browser's tallest box.
 */
export const LINE_PX = 20;
/** Firefox ends at 17.9 million. */
const MAX_HEIGHT_PX = 15_000_000;

export interface Geometry {
  readonly lineCount: number;
  readonly viewportPx: number;
  /** Lines may be higher than {@link LINE_PX}. */
  readonly isWrapped: boolean;
}

/** Of the scrollbar, for one line. */
export function scrollPerLine({ lineCount }: Geometry): number {
  return Math.min(LINE_PX, MAX_HEIGHT_PX / Math.max(1, lineCount));
}

/** How many unwrapped lines are seen at once. */
export function visibleLines({ viewportPx }: Geometry): number {
  return viewportPx / LINE_PX;
}

/** The first line, with a fraction, that may be at the top: at the end the last line is at the bottom. */
export function lastTop(geometry: Geometry): number {
  const { lineCount, isWrapped } = geometry;
  return Math.max(0, isWrapped ? lineCount - 1 : lineCount - visibleLines(geometry));
}

/** Of all that is scrolled. */
export function contentHeight(geometry: Geometry): number {
  return lastTop(geometry) * scrollPerLine(geometry) + geometry.viewportPx;
}

export function topAt(scrollTop: number, geometry: Geometry): number {
  return Math.min(lastTop(geometry), Math.max(0, scrollTop / scrollPerLine(geometry)));
}

export function scrollFor(top: number, geometry: Geometry): number {
  return Math.min(lastTop(geometry), Math.max(0, top)) * scrollPerLine(geometry);
}

/** So that a line is a third from the top. */
export function topShowing(line: number, geometry: Geometry): number {
  return line - visibleLines(geometry) / 3;
}
