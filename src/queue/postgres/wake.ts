/** Waiting until somebody says that there is something, or a while has passed. */
import { setTimeout as delay } from "node:timers/promises";

export class Wake {
  #calls = 0;
  #waiting = new AbortController();

  /** What {@link wait} compares with: to be taken before one looks whether there is something. */
  get calls(): number {
    return this.#calls;
  }

  call(): void {
    this.#calls++;
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  /** Resolves at the next call, at once if there was one since `calls`, or after `waitMs`. @throws `signal.reason` */
  async wait(calls: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#calls === calls) {
      const either = AbortSignal.any([signal, this.#waiting.signal]);
      await delay(waitMs, undefined, { signal: either }).catch(() => {});
    }
    signal.throwIfAborted();
  }
}
