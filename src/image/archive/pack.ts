/**
 * Packs the files of an image into an archive. The same files give the same bytes (with the same zstd): fixed order,
 * times, owners and modes. Zeros are not stored.
 */
import { open, readdir, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { Scope } from "../../base/scope.ts";
import { ImageError } from "../errors.ts";
import { type ParentDisk, validateImage } from "../validate.ts";
import type { ZstdCodec } from "../zstd/codec.ts";
import { IMAGE_FILES, type ImageFile, type ImageLimits, isImageFile } from "./format.ts";
import { contentBytesOf, type PlannedFile, planFile, tarStream } from "./tar-stream.ts";

export interface PackOptions {
  zstd: ZstdCodec;
  limits: Pick<ImageLimits, "maxFileBytes">;
  /** The files of the image, where there are others in its folder; default all that is there. */
  files?: ReadonlySet<ImageFile>;
  /** Needed where image.json names a parent. */
  parent?: ParentDisk;
  /** 1 to 19; default 3. */
  level?: number;
  /** Default: as many as there are cores, up to {@link MAX_THREADS}. The bytes do not depend on it. */
  threads?: number;
  signal?: AbortSignal | undefined;
  /** Bytes of the files that went into the archive, and how many there are without holes. */
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Each has some 25 MiB at level 3. */
const MAX_THREADS = 8;

/**
 * Writes the image in `directory` to `targetFile`, which appears when it is whole and replaces what was there.
 *
 * @throws everything an import of the archive would throw; nothing is left then.
 */
export async function packImage(directory: string, targetFile: string, options: PackOptions): Promise<void> {
  options.signal?.throwIfAborted();
  const files = options.files ?? (await listFiles(directory));
  await validateImage(directory, files, options.limits, { parent: options.parent, signal: options.signal });
  await using scope = new Scope();
  const plan: PlannedFile[] = [];
  for (const name of IMAGE_FILES) {
    if (files.has(name)) plan.push(await planFile(directory, name, scope, options.signal));
  }
  const partFile = join(dirname(targetFile), `.${basename(targetFile)}.${crypto.randomUUID()}.part`);
  await using target = await open(partFile, "wx", 0o644);
  scope.defer(() => rm(partFile, { force: true }));
  const { zstd, level = 3, threads = Math.min(availableParallelism(), MAX_THREADS), signal } = options;
  const contentBytes = contentBytesOf(plan);
  await zstd.compressInto(target, tarStream(plan, options), { level, threads, contentBytes, signal });
  await target.sync();
  await rename(partFile, targetFile);
}

async function listFiles(directory: string): Promise<Set<ImageFile>> {
  const files = new Set<ImageFile>();
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!isImageFile(entry.name) || !entry.isFile()) {
      throw new ImageError(
        "archive-unexpected-file",
        `${join(directory, entry.name)} cannot be packed; an image has the files ${IMAGE_FILES.join(", ")}`,
        { blame: "task" },
      );
    }
    files.add(entry.name);
  }
  return files;
}
