/** Merges equal entries of the egress log until they are drained, and all others into one when there are too many. */
import type { EgressEntry, LoggedEntry } from "./egress-entry.ts";

const MAX_DIFFERENT = 100;

export class EntryMerger {
  readonly #held = new Map<string, { readonly entry: LoggedEntry; count: number }>();
  #different = 0;

  add(entry: LoggedEntry): void {
    const count = entry.count ?? 1;
    if (this.#tryAdd(keyOf(entry), count)) return;
    const { time, kind, decision } = entry;
    const full = this.#different >= MAX_DIFFERENT;
    const first = full ? { time, kind, decision, reason: "too many different ones" } : entry;
    if (full && this.#tryAdd(keyOf(first), count)) return;
    this.#different += 1;
    this.#held.set(keyOf(first), { entry: first, count });
  }

  /** Those merged, in the order of the first of each. */
  drain(): LoggedEntry[] {
    const merged = [...this.#held.values()].map(({ entry, count }) => (count === 1 ? entry : { ...entry, count }));
    this.#held.clear();
    this.#different = 0;
    return merged;
  }

  #tryAdd(key: string, count: number): boolean {
    const held = this.#held.get(key);
    if (held !== undefined) held.count += count;
    return held !== undefined;
  }
}

/** What makes it another entry; how long it took does not. */
function keyOf({ kind, decision, name, addresses, port, reason }: EgressEntry): string {
  return JSON.stringify([kind, decision, name, addresses, port, reason]);
}
