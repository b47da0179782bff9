/** What becomes of a saved machine in the record of one that goes on from it. Pure. */
import type { VmRecord } from "../generated/vm-record.ts";
import { createMove, type GuestMove } from "../guest/guest-move.ts";
import type { SavedMachine } from "../snapshot/saved-machine.ts";

export type GoesOn = NonNullable<VmRecord["goesOn"]>;

/** The saved machine, as a record names it: its task only where this host knows that it was of that one. */
export function sourceOf({ id, record: { source, imported } }: SavedMachine): NonNullable<VmRecord["from"]> {
  const { task, ...rest } = source;
  return { snapshot: id, ...rest, ...(task === undefined || imported === true ? {} : { task }) };
}

/** How the next start begins. */
export function goesOnOf({ record }: SavedMachine): GoesOn {
  const { cdroms = [], guest, source } = record;
  const checkpoint = source.task?.checkpoint;
  return {
    cdroms: cdroms.map(({ drive }) => drive),
    ...(guest?.logOffset === undefined ? {} : { logOffset: guest.logOffset }),
    ...(guest?.user === undefined ? {} : { user: guest.user }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

/** The record of a machine that is to go back to what was saved, whose files lie beside its own. */
export function withStaged(record: VmRecord, saved: SavedMachine): VmRecord {
  return { ...record, from: sourceOf(saved), goesOn: { ...goesOnOf(saved), staged: true } };
}

/** It goes on: what was saved of it is not what it is any more. */
export function withoutGoesOn({ goesOn: _done, ...record }: VmRecord): VmRecord {
  return record;
}

/** What its guest is told. A command that runs in it goes on. */
export function moveOf({ logOffset, user, checkpoint }: GoesOn): GuestMove {
  return createMove({ logOffset, checkpoint, ...(user === undefined ? {} : { task: { command: [], env: {}, user } }) });
}

/** Its further disks, under names that the files of a machine can have. */
export function disksOf({ record }: SavedMachine): VmRecord["disks"] {
  return (record.dataDisks ?? []).map(({ slot, format, sizeBytes, name, mount }) => ({
    ...{ name: name ?? `slot-${slot}`, sizeBytes, fs: "none", slot },
    ...(mount === undefined ? {} : { mount }),
    ...(format === "raw" ? {} : { format }),
  }));
}
