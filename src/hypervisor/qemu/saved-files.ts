/**
 * The files of a saved machine, in the folder of a machine that is to go on from it.
 *
 * A new machine gets them in its folder. One that goes back to what it was has files already: the others are made in a
 * folder beside them, while it may still run, and take their place when nothing of it runs any more. Whoever is killed
 * on the way leaves what the next one completes, or removes:
 *
 *   restored.part ──whole──▶ restored ──record says `staged`──▶ (its own are removed) incoming ──▶ (moved in)
 */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { VmRecord } from "../../generated/vm-record.ts";
import { ignoreMissing, syncDirectory } from "../../host/durable-file.ts";
import { linkOrCopy } from "../../host/link-or-copy.ts";
import type { Image } from "../../image/store/image.ts";
import { restoreMachine } from "../../snapshot/restore-machine.ts";
import { MEMORY_FILE, type SavedMachine, STATE_FILE } from "../../snapshot/saved-machine.ts";
import { MachineFiles } from "./machine-files.ts";

const PART = "restored.part";
const WHOLE = "restored";
const INCOMING = "incoming";
/** Of a machine, whatever it went on from. */
const OWN =
  /^(?:disk\.\d+\.qcow2|base|memory|state|cd\.\d\.iso|data-.+\.(?:raw|qcow2)|layer\.part|disk\.part|firmware-variables\.fd|tpm)$/;

type Disks = Pick<VmRecord, "disks">;

/**
 * Fills the folder of a machine that has no such files. Nothing in it depends on what was saved afterwards.
 *
 * @param image What its disk lies on.
 * @param disks As the machine calls them; in the places they had.
 */
export async function fillFolder(
  files: MachineFiles,
  saved: SavedMachine,
  { disks }: Disks,
  { image, signal }: { image: Pick<Image, "files">; signal: AbortSignal },
): Promise<void> {
  const { dataDisks, memory } = await restoreMachine(saved, files.folder, image, signal);
  if (memory.stateFile !== undefined) await linkOrCopy(memory.stateFile, files.state, signal);
  for (const [slot, { diskFile }] of files.dataDisks({ disks })) {
    const made = dataDisks.get(slot);
    if (made !== undefined) await rename(made.diskFile, diskFile);
  }
}

/** Makes the files beside those the machine has; under its lock. They are used once its record says `staged`. */
export async function stageFiles(...[files, saved, disks, options]: Parameters<typeof fillFolder>): Promise<void> {
  await dropStaged(files);
  const part = new MachineFiles(join(files.folder, PART));
  await mkdir(part.folder, { mode: 0o700 });
  try {
    await fillFolder(part, saved, disks, options);
    await rename(part.folder, join(files.folder, WHOLE));
    await syncDirectory(files.folder);
  } catch (error) {
    await rm(part.folder, { recursive: true, force: true });
    throw error;
  }
}

/** What was staged, and is not wanted any more. */
export async function dropStaged({ folder }: MachineFiles): Promise<void> {
  for (const name of [PART, WHOLE]) await rm(join(folder, name), { recursive: true, force: true });
}

/** Of the files in the folder of a machine that does not run: those that nothing will be done with. Pure. */
export function needlessFiles(names: readonly string[], { goesOn }: Pick<VmRecord, "goesOn">): string[] {
  const needless = [
    PART,
    ...(goesOn?.staged === true ? [] : [WHOLE]),
    ...(goesOn === undefined ? [MEMORY_FILE, STATE_FILE] : []),
  ];
  return names.filter((name) => needless.includes(name));
}

/** Puts what was staged in the place of what the machine has, or removes it; under its lock, while it does not run. */
export async function settleFiles(files: MachineFiles, { goesOn }: Pick<VmRecord, "goesOn">): Promise<void> {
  const { folder } = files;
  if (goesOn?.staged !== true) return await dropStaged(files);
  const names = await readdir(folder);
  if (names.includes(WHOLE)) {
    for (const name of names) if (OWN.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    // From here on what has such a name in the folder is what was staged.
    await rename(join(folder, WHOLE), join(folder, INCOMING));
  }
  const incoming = (await readdir(join(folder, INCOMING)).catch(ignoreMissing)) ?? [];
  for (const name of incoming) await rename(join(folder, INCOMING, name), join(folder, name));
  await rm(join(folder, INCOMING), { recursive: true, force: true });
  await syncDirectory(folder);
}
