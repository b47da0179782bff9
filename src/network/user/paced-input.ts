/** Reading from a link no faster than its limits: while they are overdrawn the sender waits, and nothing is lost. */
import type { Readable } from "node:stream";
import { RateBudget } from "../rate-budget.ts";

export interface InputLimits {
  /** Undefined: no limit. */
  readonly packetsPerSecond: number | undefined;
  readonly bytesPerSecond: number | undefined;
}

/** *Borrows* the stream, which flows except while this pauses it. */
export class PacedInput {
  readonly #stream: Readable;
  readonly #packets: RateBudget;
  readonly #bytes: RateBudget;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: Readable, limits: InputLimits) {
    this.#stream = stream;
    this.#packets = new RateBudget(limits.packetsPerSecond);
    this.#bytes = new RateBudget(limits.bytesPerSecond);
  }

  /** Counts what came in one chunk. */
  spend(packets: number, bytes: number): void {
    this.#packets.spend(packets);
    this.#bytes.spend(bytes);
    const waitMs = this.#waitMs();
    if (waitMs === 0 || this.#timer !== undefined) return;
    this.#stream.pause();
    this.#startTimer(waitMs);
  }

  /** Does nothing more; idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #waitMs(): number {
    return Math.max(this.#packets.waitMs, this.#bytes.waitMs);
  }

  #startTimer(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const restMs = this.#waitMs();
      if (restMs > 0) this.#startTimer(restMs);
      else this.#stream.resume();
    }, waitMs).unref();
  }
}
