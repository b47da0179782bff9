/**
 * The log of one task: what its guest prints, and the worker's own lines between, marked and with their time.
 *
 * Guest bytes go through unchanged, with back-pressure from the slowest target.
 * *Borrows* its targets; one that breaks (a closed pipe) is left out from then on.
 */
import { once } from "node:events";
import { Writable } from "node:stream";

export interface LogTarget {
  /** Gets the guest's bytes. */
  guest: Writable;
  /** Gets the worker's lines; may be the same stream. */
  worker: Writable;
}

const NEWLINE = 10;

export class TaskLog extends Writable {
  readonly #targets: Set<LogTarget>;
  readonly #now: () => Date;
  readonly #hurry = new AbortController();
  #atLineStart = true;

  constructor(targets: readonly LogTarget[], now: () => Date = () => new Date()) {
    super();
    this.#now = now;
    this.#targets = new Set(targets);
    for (const target of targets) {
      for (const stream of new Set([target.guest, target.worker])) {
        stream.on("error", () => this.#targets.delete(target));
      }
    }
  }

  /** Writes the worker's own lines, each on a line of its own. */
  note(text: string): void {
    const stamp = this.#now().toISOString().slice(11, 23);
    const lines = text.split("\n").map((line) => `[boxcar ${stamp}] ${line}\n`);
    for (const { guest, worker } of this.#targets) {
      if (!this.#atLineStart) guest.write("\n");
      worker.write(lines.join(""));
    }
    this.#atLineStart = true;
  }

  /**
   * Resolves when everything written so far is with the targets, so that a note comes after it.
   *
   * From then on slow ones are not waited for: at the end of a task little is left, and nobody is held up by it.
   */
  async flush(): Promise<void> {
    this.#hurry.abort();
    await new Promise<void>((resolve) => this.write("", () => resolve()));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (chunk.length > 0) this.#atLineStart = chunk.at(-1) === NEWLINE;
    const full = [...this.#targets].map(({ guest }) => guest).filter((guest) => !guest.write(chunk));
    if (full.length === 0) done();
    else void Promise.all(full.map((guest) => drained(guest, this.#hurry.signal))).then(() => done());
  }
}

/** A stream that breaks is never waited for again, and no stream once `hurry` has fired. */
async function drained(stream: Writable, hurry: AbortSignal): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed) return;
  const ended = new AbortController();
  const signal = AbortSignal.any([hurry, ended.signal]);
  const events = ["drain", "close", "error"].map((event) => once(stream, event, { signal }));
  await Promise.race(events).catch(() => {});
  ended.abort();
  for (const event of events) event.catch(() => {});
}
