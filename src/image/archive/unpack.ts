/**
 * Unpacks an image archive into an empty directory.
 *
 * The trust boundary of images: nothing of the archive decides where or as what it is written, and no limit is
 * checked after the fact. On failure some files may be left: the directory is the caller's to remove.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DiskSpaceGuard } from "../disk-space.ts";
import type { ZstdCodec } from "../zstd/codec.ts";
import { ByteReader } from "./byte-reader.ts";
import { judgeCompleteness, judgeEntry } from "./entry-rules.ts";
import { type ImageFile, type ImageLimits, maxArchiveBytes } from "./format.ts";
import { SparseWriter } from "./sparse-writer.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";

export interface UnpackOptions {
  zstd: ZstdCodec;
  limits: ImageLimits;
  signal?: AbortSignal | undefined;
}

/** Compressed bytes to files; resolves with the names of what was there. Files are on the disk when it does. */
export async function unpackArchive(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  { zstd, limits, signal }: UnpackOptions,
): Promise<Set<ImageFile>> {
  const guard = new DiskSpaceGuard(directory, limits.reserveBytes);
  const reader = new ByteReader(zstd.decompress(archive, { maxOutputBytes: maxArchiveBytes(limits), signal }));
  const seen = new Set<ImageFile>();
  try {
    const tar = new TarReader(reader);
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      const file = judgeEntry(entry, seen, limits);
      seen.add(file);
      await guard.require(0);
      await unpackFile(entry, join(directory, file), guard);
    }
    judgeCompleteness(seen);
    return seen;
  } finally {
    await reader.close();
  }
}

async function unpackFile(entry: TarEntry, path: string, guard: DiskSpaceGuard): Promise<void> {
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
