/**
 * A rate that may be overdrawn: what has come already counts in full, and then nothing more is taken until the debt is
 * paid. Amounts that come in lumps are so limited exactly, however large the lumps are.
 */

/** What may be spent at once after a silence: so much time's worth. */
const BURST_MS = 100;
/** Timers that are too long end at once. */
const MAX_WAIT_MS = 60_000;

export class RateBudget {
  readonly #perMs: number;
  #balance: number;
  #atMs: number;

  /** @param perSecond Undefined: no limit. */
  constructor(perSecond: number | undefined) {
    this.#perMs = (perSecond ?? Number.POSITIVE_INFINITY) / 1_000;
    this.#balance = this.#perMs * BURST_MS;
    this.#atMs = performance.now();
  }

  spend(amount: number): void {
    if (this.#perMs === Number.POSITIVE_INFINITY) return;
    const nowMs = performance.now();
    this.#balance = Math.min(this.#balance + (nowMs - this.#atMs) * this.#perMs, this.#perMs * BURST_MS) - amount;
    this.#atMs = nowMs;
  }

  /** When to look again whether something may be spent; 0: it may be now. Whole milliseconds. */
  get waitMs(): number {
    if (this.#perMs === Number.POSITIVE_INFINITY) return 0;
    this.spend(0);
    if (this.#balance > 0) return 0;
    return Math.min(Math.max(Math.ceil(-this.#balance / this.#perMs), 1), MAX_WAIT_MS);
  }
}
