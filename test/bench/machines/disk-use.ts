/** What a saved machine or a copy of one takes on the disk. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Of the files that nobody else has too, by a second name. */
export async function ownBytes(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory)) {
    const { blocks, nlink } = await lstat(join(directory, name));
    if (nlink === 1) bytes += blocks * 512;
  }
  return bytes;
}
