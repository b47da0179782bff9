/** What one machine writes to, and where it begins: its disk and its memory. */
import { join } from "node:path";
import { copySparse } from "../host/copy-sparse.ts";
import type { ImageLease } from "../image/store/image-lease.ts";
import { OwnDisk } from "../snapshot/own-disk.ts";
import { type RestoredMachine, restoreMachine } from "../snapshot/restore-machine.ts";
import type { SavableMachine } from "../snapshot/save-machine.ts";
import { MEMORY_FILE } from "../snapshot/saved-machine.ts";
import type { MachineDisk, MachineMemory } from "../vm/ports.ts";
import type { Beginning } from "./beginning.ts";

export interface PreparedFiles
  extends Partial<Pick<RestoredMachine, "machine" | "diskSlots" | "dataDisks" | "cdroms">> {
  readonly disk: MachineDisk;
  readonly memory: MachineMemory;
  readonly savable?: Pick<SavableMachine, "disk" | "memoryFile">;
}

/** @param directory Absolute path of an empty folder of the machine's own; what is left in it is the caller's. */
export async function prepareFiles(
  image: ImageLease,
  beginning: Beginning,
  directory: string,
  { ownDirectory = directory, signal }: { ownDirectory?: string | undefined; signal: AbortSignal },
): Promise<PreparedFiles> {
  switch (beginning.kind) {
    case "boot":
      return { disk: await image.createOverlay(directory), memory: { kind: "anonymous" } };
    case "capture": {
      const { draft } = beginning;
      const memory = { kind: "shared", memoryFile: draft.files.memory } as const;
      return { disk: await image.createOverlay(draft.directory), memory };
    }
    case "resume": {
      const { memory, state } = beginning.snapshot.files;
      const disk = await image.createOverlay(directory, beginning.snapshot);
      return { disk, memory: { kind: "resumed", memoryFile: memory, stateFile: state } };
    }
    case "savable": {
      const booted = beginning.booted?.files;
      const own = await OwnDisk.create(ownDirectory, image.image, { booted: booted?.["disk.qcow2"], signal });
      const memoryFile = join(ownDirectory, MEMORY_FILE);
      if (booted !== undefined) await copySparse(booted.memory, memoryFile, signal);
      return {
        disk: machineDisk(image, own),
        memory: { kind: "own", memoryFile, stateFile: booted?.state },
        savable: { disk: own, memoryFile },
      };
    }
    case "restore": {
      const restored = await restoreMachine(beginning.saved, ownDirectory, image.image, signal);
      const { disk, memory } = restored;
      return {
        ...restored,
        disk: machineDisk(image, disk),
        savable: { disk, memoryFile: memory.memoryFile },
      };
    }
  }
}

function machineDisk({ directBoot }: ImageLease, { file }: OwnDisk): MachineDisk {
  return { diskFile: file, format: "qcow2", directBoot };
}
