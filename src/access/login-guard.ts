/**
 * Keeps guessing from costing anything: after some wrong secrets nobody gets in from that address, and after many more
 * from anywhere, for a while. Who has been let in before is not kept out by the mistakes of others: his secret is known
 * to be good, or was a moment ago.
 */
import { networkOf, RateLimit } from "./rate-limit.ts";
import { RecentSecrets } from "./recent-secrets.ts";

export interface LoginGuardOptions {
  /** Of one address; as many at once. */
  failuresPerMinute: number;
  /** Of all together. */
  allFailuresPerMinute: number;
  nowMs?: () => number;
}

const EVERYBODY = "";

export class LoginGuard {
  readonly #ofAddress: RateLimit;
  readonly #ofAll: RateLimit;
  readonly #known = new RecentSecrets();

  constructor({ failuresPerMinute, allFailuresPerMinute, nowMs }: LoginGuardOptions) {
    const clock = nowMs === undefined ? {} : { nowMs };
    this.#ofAddress = new RateLimit({ perSecond: failuresPerMinute / 60, burst: failuresPerMinute, ...clock });
    this.#ofAll = new RateLimit({ perSecond: allFailuresPerMinute / 60, burst: allFailuresPerMinute, ...clock });
  }

  /** How long this secret is not even looked at; 0: it is. */
  waitMs(address: string | undefined, secret: string): number {
    if (this.#known.has(secret)) return 0;
    return Math.max(this.#ofAddress.waitMs(networkOf(address)), this.#ofAll.waitMs(EVERYBODY));
  }

  noteFailure(address: string | undefined, secret: string): void {
    this.#known.delete(secret);
    this.#ofAddress.tryTake(networkOf(address));
    this.#ofAll.tryTake(EVERYBODY);
  }

  noteSuccess(secret: string): void {
    this.#known.add(secret);
  }
}
