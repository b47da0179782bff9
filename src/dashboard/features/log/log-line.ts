/** What of a line is shown. Pure. */
import type { LogStore } from "./log-store.ts";
import { PLAIN } from "./sgr.ts";
import { type Piece, renderLine } from "./terminal-line.ts";

export interface LogLine {
  readonly pieces: readonly Piece[];
  /** The worker says it, not the task. */
  readonly isWorkers: boolean;
  /** Bytes that are not shown: nobody reads a line so long. */
  readonly cutBytes: number;
}

/** Of a line that is shown. */
const MAX_LINE_BYTES = 16_384;
/** `[boxcar 12:00:03.120] `; a task may print the same. */
export const WORKER_LINE = /^\[boxcar \d{2}:\d{2}:\d{2}\.\d{3}\] /;

const decoder = new TextDecoder();

export function readLine(store: LogStore, line: number): LogLine {
  const length = store.lineLength(line);
  const text = decoder.decode(length > MAX_LINE_BYTES ? cut(store, line) : store.lineBytes(line)).replace(/\r+$/, "");
  const isWorkers = WORKER_LINE.test(text);
  const pieces = renderLine(text, isWorkers ? PLAIN : store.styleAt(line));
  return { pieces, isWorkers, cutBytes: Math.max(0, length - MAX_LINE_BYTES) };
}

/** A progress bar draws one line again and again: its end is what counts; of any other the beginning. */
function cut(store: LogStore, line: number): Uint8Array {
  const bytes = store.lineBytes(line);
  const tail = bytes.subarray(-MAX_LINE_BYTES);
  const lastReturn = tail.lastIndexOf(13, tail.length - 2);
  return lastReturn === -1 ? bytes.subarray(0, MAX_LINE_BYTES) : tail.subarray(tail.indexOf(13) + 1);
}

export function textOfLines(store: LogStore, from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => plainText(readLine(store, from + index))).join("\n");
}

export function plainText({ pieces }: LogLine): string {
  return pieces.map(({ text }) => text).join("");
}
