/**
 * Puts a machine that runs into the store: as it is at one instant, while it goes on.
 *
 * The machine stands still while its memory is copied, which takes no time where the file system can share blocks, and
 * about a second for each GiB in use where it cannot. Its disk is not copied: it goes on with a new layer, and the
 * others get a second name.
 */
import { stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { copySparse } from "../host/copy-sparse.ts";
import { linkOrCopy } from "../host/link-or-copy.ts";
import type { Cdrom } from "../vm/cdroms.ts";
import type { DataDisk } from "../vm/data-disks.ts";
import type { VirtualMachine } from "../vm/virtual-machine.ts";
import { saveBoardFiles } from "./board-files.ts";
import { copyDataDisk } from "./copy-data-disk.ts";
import type { SnapshotDraft } from "./draft.ts";
import { SnapshotError } from "./errors.ts";
import { findSavingObstacle } from "./obstacle.ts";
import type { OwnDisk } from "./own-disk.ts";
import type { RoomLimits } from "./room.ts";
import {
  CONSOLE_FILE,
  cdromFile,
  dataDiskFile,
  MEMORY_FILE,
  type SavedMachine,
  type SnapshotFacts,
  STATE_FILE,
  topLayer,
} from "./saved-machine.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** A machine that was started with memory of its own, and all that it writes to. */
export interface SavableMachine {
  readonly vm: VirtualMachine;
  readonly disk: OwnDisk;
  /** Absolute path. */
  readonly memoryFile: string;
  /** What is in its places now. */
  readonly dataDisks?: ReadonlyMap<number, DataDisk> | undefined;
  /** In the order in which it was started with them. */
  readonly cdroms?: readonly Cdrom[] | undefined;
}

export interface SaveOptions {
  /** The caller holds a lease on its image. Which disks and CDs it has the machine says; what they are the facts may. */
  facts: SnapshotFacts;
  /** Default: there is room. */
  room?: RoomLimits | undefined;
  /** Fires: the machine goes on at once, and nothing is saved. */
  signal?: AbortSignal | undefined;
}

/**
 * Saves a machine that goes on, whatever fails; one that was paused stays paused.
 *
 * @returns how long it stood still, too.
 * @throws {SnapshotError} `machine-unsavable`; what {@link VirtualMachine.checkpoint} and {@link SnapshotDraft.publish}
 *   throw; {@link ImageError} `disk-space-low`; `signal.reason`. Nothing is saved then.
 */
export async function saveMachine(
  store: SnapshotStore,
  machine: SavableMachine,
  { facts, room, signal }: SaveOptions,
): Promise<SavedMachine & { stillMs: number }> {
  const { vm, disk, memoryFile } = machine;
  requireSavable(facts);
  await store.requirePublishable(facts);
  const dataFiles = [...(machine.dataDisks ?? [])].map(([, { diskFile }]) => diskFile);
  const cdFiles = (machine.cdroms ?? []).map(({ file }) => file).filter((file) => !isOwn(file, machine));
  await store.requireRoom(await diskBytesOf([memoryFile, ...dataFiles, ...cdFiles]));
  await using draft = await store.begin();
  const { directory } = draft;
  const { layers } = disk;
  const newDisk = await disk.tryPrepareLayer();
  let stillMs: number;
  try {
    ({ stillMs } = await vm.checkpoint({
      ...{ stateFile: join(directory, STATE_FILE), newDisk, signal },
      save: async (stop) => {
        await copySparse(memoryFile, join(directory, MEMORY_FILE), stop);
        if (newDisk === undefined) await copySparse(disk.file, join(directory, topLayer(layers)), stop);
        for (const [slot, { diskFile, format }] of machine.dataDisks ?? []) {
          await copyDataDisk({ diskFile, format }, join(directory, dataDiskFile({ slot, format })), stop);
        }
        await saveBoardFiles(facts.machine, disk.directory, directory);
      },
    }));
  } finally {
    // It may write to the new layer although it could not be saved.
    disk.adopt(vm.diskFile);
  }
  await disk.linkTo(directory, newDisk === undefined ? layers - 1 : layers, signal);
  await saveRest(draft, machine, signal);
  return { ...(await draft.publish(withDisks(facts, machine), layers, room)), stillMs };
}

/** QEMU would find out when the disk has a new layer already. */
function requireSavable({ machine }: SnapshotFacts): void {
  const why = findSavingObstacle(machine);
  if (why === undefined) return;
  throw new SnapshotError("machine-unsavable", `this machine cannot be saved: ${why}`, { blame: "task" });
}

async function saveRest(
  { directory }: SnapshotDraft,
  machine: SavableMachine,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [index, { file }] of (machine.cdroms ?? []).entries()) {
    // One that is somebody else's may be written to later.
    await (isOwn(file, machine) ? linkOrCopy : copySparse)(file, join(directory, cdromFile(index)), signal);
  }
  await writeFile(join(directory, CONSOLE_FILE), machine.vm.console.tail, { mode: 0o600 });
}

function isOwn(file: string, { disk }: SavableMachine): boolean {
  return dirname(file) === disk.directory;
}

function withDisks(facts: SnapshotFacts, { dataDisks, cdroms = [] }: SavableMachine): SnapshotFacts {
  const { dataDisks: knownDisks, cdroms: knownCdroms, ...rest } = facts;
  const disks = [...(dataDisks ?? [])].map(([slot, { format, sizeBytes }]) => {
    return { ...knownDisks?.find((disk) => disk.slot === slot), slot, format, sizeBytes };
  });
  const drives = cdroms.map(({ drive }, index) => ({ ...knownCdroms?.[index], drive }));
  return {
    ...rest,
    ...(disks.length === 0 ? {} : { dataDisks: disks }),
    ...(drives.length === 0 ? {} : { cdroms: drives }),
  };
}

async function diskBytesOf(files: readonly string[]): Promise<number> {
  const found = await Promise.all(files.map((file) => stat(file)));
  return found.reduce((sum, { blocks }) => sum + blocks * 512, 0);
}
