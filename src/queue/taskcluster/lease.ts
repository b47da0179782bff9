/** Says when a lease is over, though the queue may not be there to ask. *Owns* a timer. */
import type { ServerClock } from "./server-clock.ts";

/** The longest that a timer of Node can wait; leases are shorter, but the queue says how long. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Lease implements Disposable {
  readonly #clock: ServerClock;
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(clock: ServerClock, takenUntil: Date, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.extend(takenUntil);
  }

  extend(takenUntil: Date): void {
    clearTimeout(this.#timer);
    if (this.#disposed) return;
    const remainingMs = Math.min(Math.max(0, this.#clock.remainingMs(takenUntil)), MAX_TIMER_MS);
    this.#timer = setTimeout(this.#onEnd, remainingMs);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }
}
