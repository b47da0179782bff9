/**
 * What the board of a machine keeps when its power is off: the variables of UEFI and the memory of the TPM.
 *
 * QEMU has the instant's own in the state of the devices, and writes them again as soon as a machine goes on. These
 * files are for the machine that boots from such a disk instead: without them it would not know what to start, and a
 * disk whose key is in the TPM would stay locked.
 */
import { chmod, constants, copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Machine } from "../generated/machine.ts";
import { variablesFileOf } from "../vm/firmware.ts";
import { tpmStateFileOf } from "../vm/tpm.ts";
import { FIRMWARE_FILE, TPM_FILE } from "./saved-machine.ts";

type Board = Pick<Machine, "firmware" | "tpm">;

/** Names of those that such a machine has, in its snapshot. Pure. */
export function boardFilesOf({ firmware = "bios", tpm = false }: Board): string[] {
  return [...(firmware === "bios" ? [] : [FIRMWARE_FILE]), ...(tpm ? [TPM_FILE] : [])];
}

/**
 * Copies them from the folder of a machine that stands still.
 *
 * @param own Absolute path of the folder that has its disk.
 * @param saved Absolute path of a folder without such files.
 */
export async function saveBoardFiles(board: Board, own: string, saved: string): Promise<void> {
  for (const name of boardFilesOf(board)) await copyWhole(placeOf(name, own), join(saved, name));
}

/** The way back, into the folder of a machine that has not started yet. */
export async function restoreBoardFiles(board: Board, saved: string, own: string): Promise<void> {
  for (const name of boardFilesOf(board)) {
    await mkdir(dirname(placeOf(name, own)), { recursive: true, mode: 0o700 });
    await copyWhole(join(saved, name), placeOf(name, own));
  }
}

function placeOf(name: string, own: string): string {
  return name === TPM_FILE ? tpmStateFileOf(own) : variablesFileOf(own);
}

async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  await chmod(to, 0o600);
}
