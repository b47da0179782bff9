/** What a file that was not touched looks like. The whole memory of a machine would take too long to read. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSnapshot } from "../generated/machine-snapshot.ts";
import { ignoreMissing } from "../host/durable-file.ts";
import { FIRMWARE_FILE, STATE_FILE, TPM_FILE } from "./saved-machine.ts";

export type FileMark = MachineSnapshot["files"][number];

const HASHED: readonly string[] = [STATE_FILE, FIRMWARE_FILE, TPM_FILE];
/** Larger files are told by size and time. */
const MAX_HASHED_BYTES = 16 * 1_024 * 1_024;

/** Whether a digest of it is kept, for which it is read whole. */
export function isHashed(name: string, bytes: number): boolean {
  return HASHED.includes(name) && bytes <= MAX_HASHED_BYTES;
}

export async function markFile(directory: string, name: string): Promise<{ mark: FileMark; diskBytes: number }> {
  const path = join(directory, name);
  const { size, mtimeNs, blocks } = await stat(path, { bigint: true });
  const mark: FileMark = { name, bytes: Number(size), mtimeNs: String(mtimeNs) };
  if (isHashed(name, mark.bytes)) {
    mark.sha256 = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  }
  return { mark, diskBytes: Number(blocks) * 512 };
}

/** @returns what the files take on the disk, and the first of them that is not as it was written. */
export async function compareMarks(
  directory: string,
  marks: readonly FileMark[],
): Promise<{ diskBytes: number; changed: string | undefined }> {
  const found = await Promise.all(marks.map(({ name }) => markFile(directory, name).catch(ignoreMissing)));
  const changed = marks.find((mark, index) => !isSame(mark, found[index]?.mark));
  return { diskBytes: found.reduce((sum, file) => sum + (file?.diskBytes ?? 0), 0), changed: changed?.name };
}

function isSame(written: FileMark, found: FileMark | undefined): boolean {
  return written.bytes === found?.bytes && written.mtimeNs === found.mtimeNs && written.sha256 === found.sha256;
}
