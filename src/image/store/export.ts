/** An image as an archive again. */
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf } from "../../base/errors.ts";
import type { ImageFile, ImageLimits } from "../archive/format.ts";
import { type PackOptions, packImage } from "../archive/pack.ts";
import type { ParentDisk } from "../validate.ts";
import { fileSource } from "./archive-source.ts";
import type { Image } from "./image.ts";
import type { ImageDigest } from "./reference.ts";

export interface ExportOptions extends Pick<PackOptions, "level" | "threads" | "signal"> {
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

export interface ExportedArchive {
  /** Of what was written. */
  readonly digest: ImageDigest;
  readonly bytes: number;
  /**
   * Whether it is the archive the image came from. Another one holds the same files; but it is another image for a
   * store, and images that lie on the one it was do not lie on this one.
   */
  readonly isExact: boolean;
}

/** What an export works with; the image is leased by the caller. */
export interface ExportedImage {
  readonly image: Image;
  /** The disk of its parent, if it has one. */
  readonly parent: ParentDisk | undefined;
  /** The archive it came from, where that is kept. */
  readonly archiveFile: string | undefined;
}

/** Writes the archive to `targetFile`, which appears when it is whole and replaces what was there. */
export async function exportImage(
  { image, parent, archiveFile }: ExportedImage,
  targetFile: string,
  options: ExportOptions & Pick<PackOptions, "zstd"> & { limits: ImageLimits },
): Promise<ExportedArchive> {
  if (archiveFile !== undefined && (await tryCopy(archiveFile, targetFile, image.digest, options))) {
    return { digest: image.digest, bytes: image.sizes.archiveBytes, isExact: true };
  }
  const files = new Set(Object.keys(image.files) as ImageFile[]);
  const [anyFile] = Object.values(image.files);
  const directory = dirname(anyFile as string);
  await packImage(directory, targetFile, { ...options, files, ...(parent === undefined ? {} : { parent }) });
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of (await fileSource(targetFile)).open(options.signal ?? NEVER)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const digest: ImageDigest = `sha256:${hash.digest("hex")}`;
  return { digest, bytes, isExact: digest === image.digest };
}

const NEVER = new AbortController().signal;

/** false: the kept archive is damaged, or was removed to make room. */
async function tryCopy(
  archiveFile: string,
  targetFile: string,
  digest: ImageDigest,
  { signal, onProgress }: ExportOptions,
): Promise<boolean> {
  const partFile = join(dirname(targetFile), `.${basename(targetFile)}.${crypto.randomUUID()}.part`);
  try {
    const source = await fileSource(archiveFile);
    await using part = await open(partFile, "wx", 0o644);
    const hash = createHash("sha256");
    let done = 0;
    for await (const chunk of source.open(signal ?? NEVER)) {
      signal?.throwIfAborted();
      hash.update(chunk);
      await part.writeFile(chunk);
      done += chunk.length;
      onProgress?.(done, source.bytes ?? done);
    }
    if (`sha256:${hash.digest("hex")}` !== digest) return false;
    await part.sync();
    await rename(partFile, targetFile);
    return true;
  } catch (error) {
    if (codeOf(error) === "image-not-found" || codeOf(error) === "archive-corrupt") return false;
    throw error;
  } finally {
    await rm(partFile, { force: true });
  }
}
