/**
 * Unpacks an image archive into an empty directory. On failure some files may be left: the directory is the caller's
 * to remove.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DiskSpaceGuard } from "../disk-space.ts";
import type { ImageFile } from "./format.ts";
import { type ReadOptions, readArchive } from "./read-archive.ts";
import { SparseWriter } from "./sparse-writer.ts";
import type { TarEntry } from "./tar-reader.ts";

export type UnpackOptions = ReadOptions;

/** Compressed bytes to files; resolves with the names of what was there. Files are on the disk when it does. */
export async function unpackArchive(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  options: UnpackOptions,
): Promise<Set<ImageFile>> {
  const guard = new DiskSpaceGuard(directory, options.limits.reserveBytes);
  return await readArchive(archive, options, async (file, entry) => {
    await guard.require(0);
    await unpackFile(entry, join(directory, file), guard);
  });
}

/** Writes one file of an archive, which must not be there yet. */
export async function unpackFile(entry: TarEntry, path: string, guard: DiskSpaceGuard): Promise<void> {
  const isSparse = entry.storedBytes < entry.realBytes;
  // Of a file without a map nobody knows yet how much of it is zeros; the guard watches while it grows.
  if (isSparse) await guard.require(entry.storedBytes);
  await using file = await open(path, "wx", 0o600);
  const writer = new SparseWriter(file);
  try {
    let counted = 0;
    for await (const { offset, chunk } of entry.content()) {
      await writer.write(offset, chunk);
      await guard.wrote(writer.writtenBytes - counted);
      counted = writer.writtenBytes;
    }
    await writer.finish(entry.realBytes);
    await file.chmod(0o444);
  } finally {
    await writer.settle();
  }
}
