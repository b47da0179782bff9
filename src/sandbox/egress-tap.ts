/**
 * Where it is noted what a machine asks of its network: the machine may have no task yet, and then nobody wants to know.
 *
 * *Borrows* the record that it is connected to.
 */
import type { EgressEntry, LoggedEntry } from "../network/egress/egress-entry.ts";
import type { EgressCounts } from "../network/egress/egress-log.ts";
import type { EgressRecord } from "../network/egress/egress-record.ts";

const NOTHING: EgressCounts = Object.freeze({ asked: 0, allowed: 0, refused: 0, failed: 0, leftOut: 0 });

export class EgressTap implements EgressRecord {
  #record: EgressRecord | undefined;

  /** From now on everything goes there. */
  connect(record: EgressRecord): void {
    this.#record = record;
  }

  note(entry: EgressEntry, began?: Date): void {
    this.#record?.note(entry, began);
  }

  get counts(): EgressCounts {
    return this.#record?.counts ?? NOTHING;
  }

  latest(): readonly LoggedEntry[] {
    return this.#record?.latest() ?? [];
  }

  /** What it is connected to may get more from others. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
