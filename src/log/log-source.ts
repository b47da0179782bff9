/** A log that can be read, while it is written or later. */
import type { Readable } from "node:stream";
import { WorkerError } from "../base/errors.ts";
import type { LogEncoding } from "./compress-log.ts";

export interface ReadLogOptions {
  /** Position of the first byte; negative: from the end. Default 0. */
  from?: number;
  /** Goes on until the log has ended. */
  follow?: boolean;
  /** Ends the reading, with an AbortError. */
  signal?: AbortSignal;
}

export interface LogSource {
  /** Bytes there are so far. */
  readonly sizeBytes: number;
  /** Nothing more will come. */
  readonly ended: boolean;
  /**
   * The bytes from a position on; *owned* by the caller, who has to read it to the end or destroy it.
   *
   * @throws {WorkerError} `log-position-unknown`: there is nothing at that position yet.
   */
  read(options?: ReadLogOptions): Readable;
  /** How the log is packed where it is; undefined: not at all. */
  readonly contentEncoding?: LogEncoding | undefined;
  /** The packed bytes, all of them; *owned* by the caller. */
  readPacked?(): Readable;
}

/** The position that `from` means in a log of that size. */
export function resolvePosition(from: number, sizeBytes: number): number {
  if (from < 0) return Math.max(0, sizeBytes + from);
  if (from <= sizeBytes) return from;
  throw new WorkerError(`the log has ${sizeBytes} bytes, and cannot be read from byte ${from} on`, {
    code: "log-position-unknown",
    blame: "task",
    details: { sizeBytes },
  });
}
