/** Puts a machine that runs into the store of saved machines; it goes on. */
import type { VmRecord } from "../../generated/vm-record.ts";
import { describeHost } from "../../snapshot/same-host.ts";
import { saveMachine } from "../../snapshot/save-machine.ts";
import type { SavedMachine, SnapshotFacts } from "../../snapshot/saved-machine.ts";
import type { QemuHost } from "./host.ts";
import type { RunningMachine } from "./running-machine.ts";

export interface SaveFacts {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly expires?: Date | undefined;
}

/**
 * @returns how long it stood still, too.
 * @throws what {@link saveMachine} throws; nothing is saved then.
 */
export async function saveRunning(
  machine: RunningMachine,
  record: VmRecord,
  { host, facts, signal }: { host: QemuHost; facts: SaveFacts; signal: AbortSignal },
): Promise<SavedMachine & { stillMs: number }> {
  const store = await host.openSnapshots();
  const here = await describeHost(host.config.qemu.binary, machine.accelerator);
  return await saveMachine(store, machine.savable, { facts: { ...factsOf(machine, record, facts), ...here }, signal });
}

function factsOf(
  { diskSlots, onceCdroms, savable, guest }: RunningMachine,
  record: VmRecord,
  { name, description, expires }: SaveFacts,
): Omit<SnapshotFacts, "accelerator" | "qemu" | "cpu"> {
  const { id, image, machine, network, disks, directBoot } = record;
  const { cdroms = [] } = savable;
  return {
    ...{ kind: "vm", created: new Date().toISOString(), machine, network, diskSlots },
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(expires === undefined ? {} : { expires: expires.toISOString() }),
    source: { vm: { id, ...(record.name === undefined ? {} : { name: record.name }) } },
    image,
    dataDisks: disks.map((disk, index) => ({
      ...{ slot: disk.slot ?? index, format: disk.format ?? "raw", sizeBytes: disk.sizeBytes, name: disk.name },
      ...(disk.mount === undefined ? {} : { mount: disk.mount }),
    })),
    cdroms: cdroms.map(({ drive }, index) => ({
      drive,
      ...(index < cdroms.length - onceCdroms ? {} : { once: true }),
    })),
    ...(directBoot === undefined ? {} : { directBoot }),
    guest: { logOffset: guest.log.position },
  };
}
