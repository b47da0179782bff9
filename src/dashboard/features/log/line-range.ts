/** Lines in an address: `#L12`, `#L12-L30`. From 1, as people count. Pure. */

export interface LineRange {
  readonly from: number;
  readonly to: number;
}

const HASH = /^#L(\d{1,9})(?:-L?(\d{1,9}))?$/;

export function parseLineRange(hash: string): LineRange | undefined {
  const [, from, to = from] = HASH.exec(hash) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const numbers = [Number(from), Number(to)].sort((a, b) => a - b);
  const [first = 0, last = 0] = numbers;
  return first === 0 ? undefined : { from: first, to: last };
}

export function formatLineRange({ from, to }: LineRange): string {
  return from === to ? `#L${from}` : `#L${from}-L${to}`;
}

/** From what is selected to a line that is clicked with the shift key. */
export function extendRange(range: LineRange | undefined, line: number): LineRange {
  if (range === undefined) return { from: line, to: line };
  return line < range.from ? { from: line, to: range.to } : { from: range.from, to: line };
}
