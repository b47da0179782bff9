/**
 * What a hypervisor does with a saved machine, wherever that is: in the store of this host, or in a folder of its own.
 *
 * The caller has a right to it while the call lasts; what is made of it does not depend on it afterwards.
 */
import type { VmRecord } from "../generated/vm-record.ts";
import type { SavedMachine } from "../snapshot/saved-machine.ts";

export interface CloneOptions {
  readonly name?: string | undefined;
  /** Default: what the saved machine reached. */
  readonly network?: VmRecord["network"] | undefined;
  /** Default: none, since another machine may have the ports. */
  readonly forwards?: VmRecord["forwards"] | undefined;
  /** Called with all machines there are, while nobody makes another one; throws what the caller is to get if there are enough. */
  readonly admit?: ((there: readonly VmRecord[]) => void) | undefined;
  /** Told what happens, in sentences. */
  readonly note?: ((text: string) => void) | undefined;
  /** Resolve only when the guest is in contact; where it is not in time the machine stays all the same. */
  readonly wait?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface RestoreOptions {
  readonly note?: ((text: string) => void) | undefined;
  readonly wait?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** What machines take that are to be made. */
export interface WantedRoom {
  readonly count: number;
  readonly memoryMiB: number;
  /** On the disk, for each of them; 0: nobody knows. */
  readonly copiedBytes: number;
}

/** Saved machines of this very host, beside the {@link Hypervisor} port: files of one are read where they lie. */
export interface Direct {
  /**
   * Whether so many more machines may be there and run, all alike. Of two who ask at once both may be told that they may;
   * who makes one is told for certain.
   *
   * @throws {VmError} `vm-limits`
   */
  requireRoom(wanted: WantedRoom): Promise<void>;
  /**
   * A new machine, with an identity of its own, that goes on from what was saved, also from the machine of a task: its
   * command goes on, and nobody hears of its end.
   *
   * @throws {SnapshotError} `snapshot-other-host`; {@link VmError} `vm-name-taken`, `vm-invalid`; {@link ImageError}
   *   `disk-space-low`; what starting it throws. Nothing is left then.
   */
  cloneFrom(saved: SavedMachine, options: CloneOptions): Promise<VmRecord>;
  /**
   * Has a machine go back to what it was when it was saved, whether it runs or not. What can fail is done before what
   * runs is ended.
   *
   * @throws {SnapshotError} `snapshot-other-host`; {@link VmError} `vm-invalid`: another machine was saved; `vm-busy`.
   */
  restoreFrom(ref: string, saved: SavedMachine, options: RestoreOptions): Promise<VmRecord>;
}
