/** A rate limit: `perSecond` on average, `burst` at once. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledAtMs: number;

  constructor(perSecond: number, burst: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#nowMs = nowMs;
    this.#tokens = burst;
    this.#filledAtMs = nowMs();
  }

  /** Takes one token, if there is one. */
  tryTake(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** How long until there is one; 0: there is. */
  waitMs(): number {
    this.#fill();
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) * 1_000) / this.#perSecond;
  }

  #fill(): void {
    const now = this.#nowMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAtMs) * this.#perSecond) / 1_000);
    this.#filledAtMs = now;
  }
}
