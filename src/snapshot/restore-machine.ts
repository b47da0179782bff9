/** What a machine needs to go on where another one was saved: files of its own, made from those of the snapshot. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "../generated/machine.ts";
import { copySparse } from "../host/copy-sparse.ts";
import { linkOrCopy } from "../host/link-or-copy.ts";
import type { Image } from "../image/store/image.ts";
import type { Cdrom } from "../vm/cdroms.ts";
import type { DataDisk } from "../vm/data-disks.ts";
import { mergeMachine, type ResolvedMachine } from "../vm/limits.ts";
import type { MachineMemory } from "../vm/ports.ts";
import { restoreBoardFiles } from "./board-files.ts";
import { OwnDisk } from "./own-disk.ts";
import { cdromFile, dataDiskFile, MEMORY_FILE, type SavedMachine, STATE_FILE } from "./saved-machine.ts";

export interface RestoredMachine {
  readonly machine: ResolvedMachine;
  readonly disk: OwnDisk;
  readonly memory: Extract<MachineMemory, { kind: "own" }>;
  readonly diskSlots: number;
  readonly dataDisks: ReadonlyMap<number, DataDisk>;
  readonly cdroms: readonly Cdrom[];
}

/**
 * Fills a folder with what one machine needs. Nothing in it depends on the snapshot afterwards but `memory.stateFile`,
 * which is read when the machine starts.
 *
 * @param directory Absolute path of a folder without such files; on failure some may be left.
 * @param image What the record names.
 */
export async function restoreMachine(
  { record, directory: saved }: SavedMachine,
  directory: string,
  image: Pick<Image, "files">,
  signal?: AbortSignal,
): Promise<RestoredMachine> {
  const disk = await OwnDisk.fork(directory, { directory: saved, layers: record.layers }, image, signal);
  const memoryFile = join(directory, MEMORY_FILE);
  await copySparse(join(saved, MEMORY_FILE), memoryFile, signal);
  const dataDisks = new Map<number, DataDisk>();
  for (const { slot, format, sizeBytes } of record.dataDisks ?? []) {
    const name = dataDiskFile({ slot, format });
    await copySparse(join(saved, name), join(directory, name), signal);
    dataDisks.set(slot, { diskFile: join(directory, name), format, sizeBytes });
  }
  const cdroms: Cdrom[] = [];
  for (const [index, { drive }] of (record.cdroms ?? []).entries()) {
    const file = join(directory, cdromFile(index));
    await linkOrCopy(join(saved, cdromFile(index)), file, signal);
    cdroms.push({ drive, file });
  }
  await restoreBoardFiles(record.machine, saved, directory);
  return {
    machine: resolvedMachine(record.machine),
    disk,
    memory: { kind: "own", memoryFile, stateFile: join(saved, STATE_FILE) },
    diskSlots: record.diskSlots ?? 0,
    dataDisks,
    cdroms,
  };
}

/** As a record has it; {@link resolvedMachine} is the way back. */
export function recordedMachine(machine: ResolvedMachine): Machine {
  // What is undefined is left out.
  return JSON.parse(JSON.stringify({ ...machine, version: 2 })) as Machine;
}

/** The very hardware that was saved: what the configuration says now does not change it. */
export function resolvedMachine(machine: Machine): ResolvedMachine {
  const merged = mergeMachine({ image: machine });
  const { memory, threads, cores, sockets } = merged;
  if (memory === undefined || threads === undefined || cores === undefined || sockets === undefined) {
    throw new RangeError("a machine was saved without its sizes");
  }
  return { ...merged, memory, threads, cores, sockets };
}

/** What {@link restoreMachine} takes on the disk, where the file system cannot share blocks. */
export async function copiedBytes({ record, directory }: SavedMachine): Promise<number> {
  const names = [MEMORY_FILE, ...(record.dataDisks ?? []).map(dataDiskFile)];
  const found = await Promise.all(names.map((name) => stat(join(directory, name))));
  return found.reduce((sum, { blocks }) => sum + blocks * 512, 0);
}
