/** The record of a machine that is under way: one change after the other. *Owns* the lock of the machine. */
import type { VmRecord } from "../../generated/vm-record.ts";
import type { VmLock } from "../index-store.ts";

export class KeptRecord implements AsyncDisposable {
  readonly #lock: VmLock;
  #written: Promise<unknown> = Promise.resolve();

  constructor(lock: VmLock) {
    this.#lock = lock;
  }

  /** As it is on the disk. */
  get record(): VmRecord {
    return this.#lock.record;
  }

  /** Resolves when the disk has it. @param change Of the record as the change before has left it. */
  async update(change: (record: VmRecord) => VmRecord): Promise<void> {
    const written = this.#written.then(() => this.#lock.write(change(this.#lock.record)));
    this.#written = written.catch(() => {});
    await written;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lock[Symbol.asyncDispose]();
  }
}
