/** A timer for a moment that may be years away, and may be moved. */

/** setTimeout() fires at once for more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Alarm {
  readonly #onTime: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onTime: () => void) {
    this.#onTime = onTime;
  }

  /** @param atMs Of performance.now(); what was set before is forgotten. */
  set(atMs: number): void {
    this.clear();
    const waitMs = atMs - performance.now();
    this.#timer = setTimeout(
      () => (waitMs > MAX_TIMER_MS ? this.set(atMs) : this.#onTime()),
      Math.min(Math.max(0, waitMs), MAX_TIMER_MS),
    );
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
