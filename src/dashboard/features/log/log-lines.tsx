/**
 * The lines that are seen, and a scrollbar for all of them.
 *
 *   following (the end stays in sight) ⇄ free (one has scrolled up, or jumped to a line)
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { LineRange } from "./line-range.ts";
import {
  contentHeight,
  type Geometry,
  LINE_PX,
  lastTop,
  scrollFor,
  scrollPerLine,
  topAt,
  topShowing,
  visibleLines,
} from "./log-geometry.ts";
import { plainText, readLine } from "./log-line.ts";
import type { LogModel } from "./log-model.ts";
import { LogRow } from "./log-row.tsx";

interface LogLinesProps {
  model: LogModel;
  isWrapped: boolean;
  isFollowing: Signal<boolean>;
  /** From 1. */
  selected: LineRange | undefined;
  /** From 0: the match one is at. */
  current: number | undefined;
  /** A line to bring into sight, from 0; a new object each time. */
  target: Signal<{ readonly line: number } | undefined>;
  onSelect: (number: number, isExtended: boolean) => void;
}

/** A wheel turned up, even by less than what is rounded away. */
const UP_KEYS: ReadonlySet<string> = new Set(["ArrowUp", "PageUp", "Home"]);

export function LogLines({ model, isWrapped, isFollowing, selected, current, target, onSelect }: LogLinesProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const pane = useRef<HTMLDivElement>(null);
  const viewportPx = useSignal(600);
  /** The line at the top, with a fraction: what stays when the scrollbar gets another scale. */
  const position = useSignal(0);
  const columns = useRef(80);
  /** What was set here: an event that says the same is not of the user. */
  const written = useRef(0);
  void model.version.value;

  const { store } = model;
  const geometry: Geometry = { lineCount: store.lineCount, viewportPx: viewportPx.value, isWrapped };
  const following = isFollowing.value;
  const end = Math.max(0, geometry.lineCount - visibleLines(geometry));
  const top = following ? end : Math.min(lastTop(geometry), position.value);
  const first = Math.max(0, Math.floor(top) - (following && isWrapped ? 1 : 0));
  const last = Math.min(geometry.lineCount, first + Math.ceil(visibleLines(geometry)) + 2);
  const wanted = model.search.value?.query.toLowerCase() ?? "";

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      viewportPx.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [viewportPx]);

  // Where the lines are in the pane, and where the scrollbar is.
  useLayoutEffect(() => {
    const [outer, inner] = [scroller.current, pane.current];
    if (outer === null || inner === null) return;
    const shown = following && isWrapped ? alignEnd(inner, first) : top;
    if (!(following && isWrapped)) {
      const height = isWrapped ? (inner.firstElementChild?.getBoundingClientRect().height ?? LINE_PX) : LINE_PX;
      inner.style.transform = `translateY(${-(top - first) * height}px)`;
    }
    if (following) position.value = shown;
    const scroll = scrollFor(shown, geometry);
    if (Math.abs(written.current - scroll) <= 0.5 && Math.abs(outer.scrollTop - scroll) <= 1.5) return;
    outer.scrollTop = scroll;
    written.current = outer.scrollTop;
  });

  function alignEnd(inner: HTMLElement, from: number): number {
    const spare = viewportPx.peek() - inner.scrollHeight;
    const shift = from === 0 ? Math.min(0, spare) : spare;
    inner.style.transform = `translateY(${shift}px)`;
    let above = -shift;
    let line = from;
    for (const child of inner.children) {
      const { height } = child.getBoundingClientRect();
      if (above < height) return line + above / height;
      above -= height;
      line++;
    }
    return line;
  }

  useEffect(() => {
    const wish = target.value;
    if (wish === undefined) return;
    if (wish.line >= geometry.lineCount && model.state.peek() !== "ended") return;
    isFollowing.value = false;
    position.value = Math.max(0, topShowing(wish.line, geometry));
    target.value = undefined;
  });

  function onScroll(): void {
    const outer = scroller.current;
    if (outer === null) return;
    const moved = outer.scrollTop - written.current;
    if (Math.abs(moved) <= 1.5) return;
    written.current = outer.scrollTop;
    position.value = topAt(outer.scrollTop, geometry);
    if (moved < 0) isFollowing.value = false;
    else if (isEndSeen()) isFollowing.value = true;
  }

  function isEndSeen(): boolean {
    const outer = scroller.current;
    if (outer === null || geometry.lineCount === 0) return false;
    if (!isWrapped) return outer.scrollTop >= lastTop(geometry) * scrollPerLine(geometry) - 1;
    const row = pane.current?.lastElementChild;
    if (last < geometry.lineCount || row == null) return false;
    return row.getBoundingClientRect().bottom <= outer.getBoundingClientRect().bottom + 2;
  }

  const rows = Array.from({ length: last - first }, (_, index) => readLine(store, first + index));
  if (!isWrapped)
    columns.current = Math.max(columns.current, ...rows.map((line) => Math.min(20_000, plainText(line).length)));
  const width = isWrapped ? "100%" : `calc(${columns.current}ch + 6rem)`;
  return (
    <section
      ref={scroller}
      class={isWrapped ? "log-scroll wrapped" : "log-scroll"}
      aria-label="Log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keys.
      tabIndex={0}
      onScroll={onScroll}
      onWheel={({ deltaY }) => {
        if (deltaY < 0) isFollowing.value = false;
      }}
      onKeyDown={({ key }) => {
        if (UP_KEYS.has(key)) isFollowing.value = false;
      }}
    >
      <div class="log-height" style={{ height: `${contentHeight(geometry)}px`, minWidth: width }}>
        <div class="log-pane" style={{ height: `${viewportPx.value}px` }}>
          <div ref={pane} class="log-lines">
            {rows.map((line, index) => (
              <LogRow
                key={first + index}
                number={first + index + 1}
                line={line}
                wanted={wanted}
                isSelected={selected !== undefined && isWithin(first + index + 1, selected)}
                isCurrent={current === first + index}
                onSelect={onSelect}
              />
            ))}
          </div>
        </div>
      </div>
    </section>
  );
}

function isWithin(number: number, { from, to }: LineRange): boolean {
  return number >= from && number <= to;
}
