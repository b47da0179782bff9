/** Colours and weights of a terminal: SGR, ECMA-48 8.3.117. Pure. */

/** Undefined: the default; 0–255: of the palette; from {@link RGB} on: red, green and blue. */
export type Colour = number | undefined;

/** Added to 0xRRGGBB, so that it is no number of the palette. */
export const RGB = 0x1_00_00_00;

export interface Style {
  readonly foreground: Colour;
  readonly background: Colour;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isItalic: boolean;
  readonly isUnderlined: boolean;
  readonly isInverse: boolean;
  readonly isStruck: boolean;
}

export const PLAIN: Style = {
  foreground: undefined,
  background: undefined,
  isBold: false,
  isDim: false,
  isItalic: false,
  isUnderlined: false,
  isInverse: false,
  isStruck: false,
};

const SWITCHES: Readonly<Record<number, Partial<Style>>> = {
  1: { isBold: true },
  2: { isDim: true },
  3: { isItalic: true },
  4: { isUnderlined: true },
  7: { isInverse: true },
  9: { isStruck: true },
  21: { isUnderlined: true },
  22: { isBold: false, isDim: false },
  23: { isItalic: false },
  24: { isUnderlined: false },
  27: { isInverse: false },
  29: { isStruck: false },
  39: { foreground: undefined },
  49: { background: undefined },
};

const MAX_PARAMETERS = 64;

/**
 * What is unknown changes nothing.
 *
 * @param parameters Between `ESC [` and `m`: numbers with `;` or `:` between.
 * @returns the same object if nothing changes.
 */
export function applySgr(style: Style, parameters: string): Style {
  const numbers = parameters.split(/[;:]/, MAX_PARAMETERS).map((text) => (text === "" ? 0 : Number(text)));
  let next = style;
  for (let index = 0; index < numbers.length; index++) {
    const code = numbers[index] ?? 0;
    if (code === 0) next = PLAIN;
    else if (code === 38 || code === 48) {
      const { colour, used } = extendedColour(numbers, index + 1, parameters.includes(":"));
      index += used;
      if (colour !== undefined) next = { ...next, [code === 38 ? "foreground" : "background"]: colour };
    } else next = applyOne(next, code);
  }
  return next;
}

function applyOne(style: Style, code: number): Style {
  const change = SWITCHES[code];
  if (change !== undefined) return { ...style, ...change };
  if (code >= 30 && code <= 37) return { ...style, foreground: code - 30 };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code >= 90 && code <= 97) return { ...style, foreground: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 };
  return style;
}

/** `5;N` or `2;R;G;B`; with colons there may be an empty colour space before the red. */
function extendedColour(numbers: readonly number[], at: number, hasColons: boolean): { colour: Colour; used: number } {
  const kind = numbers[at];
  if (kind === 5) {
    const index = numbers[at + 1] ?? -1;
    return { colour: isByte(index) ? index : undefined, used: 2 };
  }
  if (kind !== 2) return { colour: undefined, used: 1 };
  const begin = hasColons && numbers.length - at >= 5 ? at + 2 : at + 1;
  const [red = -1, green = -1, blue = -1] = numbers.slice(begin, begin + 3);
  const isColour = isByte(red) && isByte(green) && isByte(blue);
  return { colour: isColour ? RGB + red * 65_536 + green * 256 + blue : undefined, used: begin + 3 - at };
}

function isByte(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= 255;
}
