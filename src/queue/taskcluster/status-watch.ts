/** Looks again and again, with pauses that differ, so that many tasks do not ask at the same moment. */

/** Of the interval, to either side. */
const JITTER = 0.25;

export class StatusWatch implements Disposable {
  readonly #intervalMs: number;
  readonly #look: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param look Must not reject. */
  constructor(intervalMs: number, look: () => Promise<void>) {
    this.#intervalMs = intervalMs;
    this.#look = look;
    this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#stopped) return;
    const pauseMs = this.#intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
    this.#timer = setTimeout(() => void this.#look().finally(() => this.#schedule()), pauseMs);
    this.#timer.unref();
  }
}
