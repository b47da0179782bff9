/** The line of a log that says what went wrong. Pure. */
import { WORKER_LINE } from "./log-line.ts";
import { readBatch } from "./log-scan.ts";
import type { LogStore } from "./log-store.ts";

/** How the worker says it; see src/worker/outcome.ts and run-steps.ts. */
const WORKERS_WORD =
  /^\[boxcar [\d:.]+\] (?!the guest is up|step \S+: |machine: |image ).*(?:\b(?:failed|exception|killed|panic|out of memory)\b|with exit code [1-9])/;
/** How programs say it, unless they count none. */
const PROGRAMS_WORD =
  /\b(?:error|fatal|failed|failure|panic(?:ked)?|traceback|assertion|segmentation fault|exception)\b/i;
const NONE = /\b(?:0|no|without)\s+(?:errors?|failures?|failed)\b|\b(?:errors?|failed|failures?)[:=]\s*0\b/i;

/** Nobody waits longer: what is not found in so many lines from the end is not found. */
const MAX_LINES = 400_000;

/**
 * The first of the last worker's lines that say so; else the first line of the task that looks like an error.
 *
 * @returns its number from 0.
 */
export function findFailure(store: LogStore): number | undefined {
  const begin = Math.max(0, store.lineCount - MAX_LINES);
  let worker: number | undefined;
  let program: number | undefined;
  for (let line = begin; line < store.lineCount; ) {
    const { text, next } = readBatch(store, line);
    for (const [index, part] of text.split("\n").entries()) {
      if (WORKERS_WORD.test(part)) worker ??= line + index;
      else if (program === undefined && !WORKER_LINE.test(part) && PROGRAMS_WORD.test(part) && !NONE.test(part))
        program = line + index;
    }
    line = next;
  }
  return worker ?? program;
}
