/** Marks what is searched for in the pieces of a line. Pure. */
import type { Piece } from "./terminal-line.ts";

export interface MarkedPiece extends Piece {
  readonly isMatch: boolean;
}

/** @param wanted In lower case; empty: nothing is marked. */
export function markMatches(pieces: readonly Piece[], wanted: string): MarkedPiece[] {
  const ranges = wanted === "" ? [] : rangesOf(pieces.map(({ text }) => text).join(""), wanted);
  const marked: MarkedPiece[] = [];
  let begin = 0;
  for (const { text, style } of pieces) {
    const end = begin + text.length;
    let done = begin;
    for (const [from, to] of ranges) {
      if (to <= done || from >= end) continue;
      if (from > done) marked.push({ text: text.slice(done - begin, from - begin), style, isMatch: false });
      const stop = Math.min(to, end);
      marked.push({ text: text.slice(Math.max(from, done) - begin, stop - begin), style, isMatch: true });
      done = stop;
    }
    if (done < end) marked.push({ text: text.slice(done - begin), style, isMatch: false });
    begin = end;
  }
  return marked;
}

function rangesOf(text: string, wanted: string): [number, number][] {
  const lower = text.toLowerCase();
  // There are letters whose small form is longer.
  if (lower.length !== text.length) return [];
  const ranges: [number, number][] = [];
  for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, at + wanted.length)) {
    ranges.push([at, at + wanted.length]);
  }
  return ranges;
}
