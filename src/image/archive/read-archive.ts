/**
 * Reads an image archive, file by file.
 *
 * The trust boundary of images: nothing of the archive decides where or as what it is written, and no limit is
 * checked after the fact.
 */
import type { ZstdCodec } from "../zstd/codec.ts";
import { ByteReader } from "./byte-reader.ts";
import { judgeCompleteness, judgeEntry } from "./entry-rules.ts";
import { type ImageFile, type ImageLimits, maxArchiveBytes } from "./format.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";

export interface ReadOptions {
  zstd: ZstdCodec;
  limits: ImageLimits;
  signal?: AbortSignal | undefined;
}

/**
 * @param take Gets each file that an image may have, and must read its content to the end.
 * @returns the names of what was there.
 * @throws {@link ImageError}, {@link ZstdError}; whatever `archive` or `take` threw; `signal.reason`.
 */
export async function readArchive(
  archive: AsyncIterable<Uint8Array>,
  { zstd, limits, signal }: ReadOptions,
  take: (file: ImageFile, entry: TarEntry) => Promise<void>,
): Promise<Set<ImageFile>> {
  const maxOutputBytes = maxArchiveBytes(limits);
  const reader = new ByteReader(zstd.decompress(archive, { maxOutputBytes, isTransient: true, signal }));
  const seen = new Set<ImageFile>();
  try {
    const tar = new TarReader(reader);
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      const file = judgeEntry(entry, seen, limits);
      seen.add(file);
      await take(file, entry);
    }
    judgeCompleteness(seen);
    return seen;
  } finally {
    await reader.close();
  }
}
