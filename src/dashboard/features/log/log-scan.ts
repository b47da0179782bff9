/**
 * Goes through the lines of a log as texts, in pieces: a log of many megabytes is searched while the page stays quick,
 * and one that grows is searched on where it ended.
 */
import type { LogStore } from "./log-store.ts";
import { withoutEscapes } from "./terminal-line.ts";

const BATCH_LINES = 4_000;
const BATCH_BYTES = 524_288;

const decoder = new TextDecoder();

/** Texts of lines without escapes, with the number of the first. */
export interface Batch {
  readonly first: number;
  readonly text: string;
}

/** At most so many lines that they are read in a few milliseconds. @returns the line after the last. */
export function readBatch(store: LogStore, first: number): Batch & { next: number } {
  const count = store.lineCount;
  let next = Math.min(count, first + BATCH_LINES);
  while (next > first + 1 && sizeOf(store, first, next) > BATCH_BYTES) next = first + Math.ceil((next - first) / 2);
  const bytes = store.linesBytes(first, next);
  const kept = next === first + 1 ? bytes.subarray(0, BATCH_BYTES) : bytes;
  return { first, text: withoutEscapes(decoder.decode(kept)), next };
}

function sizeOf(store: LogStore, from: number, to: number): number {
  return store.linesBytes(from, to).length;
}

/** Numbers of the lines that have the text, in whatever case. */
export function* linesWith({ first, text }: Batch, wanted: string): Generator<number> {
  const lower = text.toLowerCase();
  if (!lower.includes(wanted)) return;
  let line = first;
  for (const part of lower.split("\n")) {
    if (part.includes(wanted)) yield line;
    line++;
  }
}
