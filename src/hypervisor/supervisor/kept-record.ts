/** The record of a machine that is under way: one change after the other. *Owns* the lock of the machine. */
import type { VmRecord } from "../../generated/vm-record.ts";
import { VmError } from "../errors.ts";
import type { VmLock } from "../index-store.ts";
import { called } from "../refs.ts";

export class KeptRecord implements AsyncDisposable {
  readonly #lock: VmLock;
  #written: Promise<unknown> = Promise.resolve();
  #released: Promise<void> | undefined;

  constructor(lock: VmLock) {
    this.#lock = lock;
  }

  /** As it is on the disk. */
  get record(): VmRecord {
    return this.#lock.record;
  }

  /**
   * Resolves when the disk has it.
   *
   * @param change Of the record as the change before has left it.
   * @throws {VmError} `vm-state`: somebody else may have the machine by now.
   */
  async update(change: (record: VmRecord) => VmRecord): Promise<void> {
    if (this.#released !== undefined) throw new VmError("vm-state", `${called(this.record)} has ended`);
    const written = this.#written.then(() => this.#lock.write(change(this.#lock.record)));
    this.#written = written.catch(() => {});
    await written;
  }

  /** What is being written comes before. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#released ??= this.#written.then(() => this.#lock[Symbol.asyncDispose]());
    return this.#released;
  }
}
