/** What the kernel has refused, told once: the set of nftables only grows, and is read again and again. */
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

/** Two readings of the same element differ by less in when it began; an element is forgotten and made anew in a day. */
const SAME_MS = 60_000;

export class RefusedFlows {
  #known = new Map<string, { count: number; first: number }>();
  #updatedMs = 0;

  /** Calls `tell` with what is new since the last time, and since when. */
  update(
    flows: readonly RefusedFlow[],
    { nowMs, wallMs }: Clocks,
    tell: (flow: Flow, count: number, first: Date) => void,
  ): void {
    const dateOf = (ms: number) => new Date(wallMs - nowMs + ms);
    const known = new Map<string, { count: number; first: number }>();
    for (const { protocol, address, port, count, ageMs } of flows) {
      const key = `${protocol} ${address} ${port}`;
      const first = nowMs - ageMs;
      const before = this.#known.get(key);
      const same = before !== undefined && Math.abs(before.first - first) < SAME_MS && before.count <= count;
      const more = same ? count - before.count : count;
      known.set(key, { count, first: same ? before.first : first });
      if (more > 0) tell({ protocol, address, port }, more, dateOf(same ? this.#updatedMs : first));
    }
    this.#known = known;
    this.#updatedMs = nowMs;
  }
}
