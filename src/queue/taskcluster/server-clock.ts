/**
 * The clock of the queue, read on this host.
 *
 * All times of the API are the queue's, and this host's clock may be wrong or jump. What is known is the moment a run
 * was given to us; from then on the monotonic clock counts.
 */
export class ServerClock {
  /** What the monotonic clock says when the queue's says 0. */
  readonly #offsetMs: number;

  /** @param now What the queue's clock says now. */
  constructor(now: Date) {
    this.#offsetMs = performance.now() - now.getTime();
  }

  /** Until `moment`, by the queue's clock; negative if it has passed. */
  remainingMs(moment: Date): number {
    return moment.getTime() + this.#offsetMs - performance.now();
  }

  /** `moment`, by the queue's clock, as this host's clock will show it. */
  toLocal(moment: Date): Date {
    return new Date(Date.now() + this.remainingMs(moment));
  }
}
