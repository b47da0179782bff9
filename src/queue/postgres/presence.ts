/**
 * Says something again and again, and soon after it has changed. *Owns* its loop.
 *
 *   say ──▶ wait until it is time, or changed() ──▶ wait a little: more may change ──▶ say … ──▶ disposed: leave
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Announced } from "../worker-directory.ts";
import { Wake } from "./wake.ts";

export interface PresenceOptions {
  /** What fails is said the next time. */
  readonly say: () => Promise<void>;
  /** Once, at the end. */
  readonly leave: () => Promise<void>;
  readonly everyMs: number;
}

const COALESCE_MS = 100;

export class Presence implements Announced {
  readonly #options: PresenceOptions;
  readonly #wake = new Wake();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  /** Of those who wait until it has been said. */
  #heard = Promise.withResolvers<void>();
  #isHurried = false;
  #disposal: Promise<void> | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  changed(): void {
    this.#wake.call();
  }

  async flush(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#isHurried = true;
    this.#wake.call();
    await this.#heard.promise;
  }

  async #run(): Promise<void> {
    const { say, everyMs } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const { calls } = this.#wake;
      const heard = this.#heard;
      this.#heard = Promise.withResolvers<void>();
      this.#isHurried = false;
      await say().catch(() => {});
      heard.resolve();
      // Not all workers at the same moment.
      await this.#wake.wait(calls, everyMs * (0.9 + Math.random() * 0.2), signal).catch(() => {});
      if (!this.#isHurried && this.#wake.calls !== calls)
        await delay(COALESCE_MS, undefined, { signal }).catch(() => {});
    }
    this.#heard.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#options.leave().catch(() => {});
  }
}
