/** Told where a connection is refused or ended for want of it. */
export const BUDGET_SPENT = "the machine has used up its quota, network.limits.outsideMiB";

/** What a machine may still send and receive outside. */
export class ByteBudget {
  readonly #limit: number;
  #spent = 0;

  /** @param limit undefined: no limit. */
  constructor(limit: number | undefined) {
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
  }

  get spentBytes(): number {
    return this.#spent;
  }

  get exhausted(): boolean {
    return this.#spent >= this.#limit;
  }

  /** Whether so many bytes more are within the limit; if not, nothing is any more. */
  trySpend(bytes: number): boolean {
    this.#spent += bytes;
    return this.#spent <= this.#limit;
  }
}
