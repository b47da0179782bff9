import { type Blame, WorkerError } from "../base/errors.ts";

export type CacheErrorCode =
  | "cache-name-invalid"
  | "cache-size-invalid"
  | "cache-not-found"
  | "cache-busy"
  | "preload-refused"
  | "preload-too-large";

const BLAME: Readonly<Record<CacheErrorCode, Blame>> = {
  "cache-name-invalid": "task",
  "cache-size-invalid": "task",
  "cache-not-found": "task",
  "cache-busy": "upstream",
  "preload-refused": "task",
  "preload-too-large": "task",
};

/** A cache cannot be had, or made from what was given for it. */
export class CacheError extends WorkerError {
  declare readonly code: CacheErrorCode;

  constructor(code: CacheErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { code, blame: BLAME[code], cause: options.cause });
  }
}
