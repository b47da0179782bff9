/** Where a log goes. */
import { once } from "node:events";
import type { Writable } from "node:stream";

/** Who says it. */
export type LogOrigin = "guest" | "worker";

export interface LogTarget {
  /**
   * Takes the bytes in any case, at once; false: wait for {@link drained} before the next. They are not changed any
   * more. What the worker says are complete lines, to be on lines of their own.
   */
  append(bytes: Buffer, origin: LogOrigin): boolean;
  /** Never rejects; may resolve early once `hurry` has fired. */
  drained(hurry: AbortSignal): Promise<void>;
}

/** Streams that are a log target, such as those of a terminal. */
export interface LogStreams {
  /** Gets the guest's bytes. */
  guest: Writable;
  /** Gets the worker's lines; may be the same stream. */
  worker: Writable;
}

const NEWLINE = 10;

/** *Borrows* the streams; from when one breaks (a closed pipe) nothing is written to either. */
export class StreamTarget implements LogTarget {
  readonly #streams: LogStreams;
  #broken = false;
  #atLineStart = true;

  constructor(streams: LogStreams) {
    this.#streams = streams;
    for (const stream of new Set([streams.guest, streams.worker])) {
      stream.on("error", () => {
        this.#broken = true;
      });
    }
  }

  append(bytes: Buffer, origin: LogOrigin): boolean {
    const { guest, worker } = this.#streams;
    if (this.#broken || bytes.length === 0) return true;
    if (origin === "guest") {
      this.#atLineStart = bytes.at(-1) === NEWLINE;
      return guest.write(bytes);
    }
    if (!this.#atLineStart) guest.write("\n");
    this.#atLineStart = true;
    worker.write(bytes);
    return true;
  }

  async drained(hurry: AbortSignal): Promise<void> {
    const { guest } = this.#streams;
    if (!guest.writableNeedDrain || guest.destroyed) return;
    const ended = new AbortController();
    const signal = AbortSignal.any([hurry, ended.signal]);
    const events = ["drain", "close", "error"].map((event) => once(guest, event, { signal }));
    await Promise.race(events).catch(() => {});
    ended.abort();
    for (const event of events) event.catch(() => {});
  }
}
