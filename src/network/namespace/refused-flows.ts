/**
 * What the kernel has refused, told once: the set of nftables is read again and again. While it grows a reading may miss
 * some of it, or have it twice.
 */
import type { Flow } from "../services.ts";

/** One element of the set, as it was read. */
export interface RefusedFlow extends Flow {
  readonly count: number;
  /** Since it was first refused. */
  readonly ageMs: number;
}

export interface Clocks {
  /** As the kernel measures ages: nobody sets it. */
  readonly nowMs: number;
  /** Since 1970; somebody may set it at any time. */
  readonly wallMs: number;
}

/** The kernel forgets an element then; the same flow may make another one. */
export const FLOW_TIMEOUT_MS = 86_400_000;
/** Two readings of the same element differ by less in when it began. */
const SAME_MS = 60_000;

export class RefusedFlows {
  readonly #known = new Map<string, { count: number; first: number }>();
  #updatedMs = 0;

  /** Calls `tell` with what is new since the last time, and since when. */
  update(
    flows: readonly RefusedFlow[],
    { nowMs, wallMs }: Clocks,
    tell: (flow: Flow, count: number, first: Date) => void,
  ): void {
    const dateOf = (ms: number) => new Date(wallMs - nowMs + ms);
    for (const { protocol, address, port, count, ageMs } of flows) {
      const key = `${protocol} ${address} ${port}`;
      const first = nowMs - ageMs;
      const before = this.#known.get(key);
      const same = before !== undefined && Math.abs(before.first - first) < SAME_MS && before.count <= count;
      const more = same ? count - before.count : count;
      this.#known.set(key, { count, first: same ? before.first : first });
      if (more > 0) tell({ protocol, address, port }, more, dateOf(same ? this.#updatedMs : first));
    }
    this.#updatedMs = nowMs;
    for (const [key, { first }] of this.#known) {
      if (nowMs - first > FLOW_TIMEOUT_MS + SAME_MS) this.#known.delete(key);
    }
  }
}
