/**
 * Packs the files of an image into an archive. The same files give the same bytes (with the same zstd): fixed order,
 * times, owners and modes. Zeros are not stored.
 */
import { constants, type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { Scope } from "../../base/scope.ts";
import { ImageError } from "../errors.ts";
import { tryMapData } from "../qemu-img.ts";
import { type ParentDisk, validateImage } from "../validate.ts";
import type { ZstdCodec } from "../zstd/codec.ts";
import { findData } from "./data-map.ts";
import { IMAGE_FILES, type ImageFile, type ImageLimits, isImageFile } from "./format.ts";
import type { Segment } from "./sparse-map.ts";
import { buildFileHeaders, buildSparseHeaders, END_OF_ARCHIVE, paddingAfter } from "./tar-blocks.ts";

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

const READ_BYTES = 1_024 * 1_024;
/** Each has some 25 MiB at level 3. */
const MAX_THREADS = 8;

interface PlannedFile {
  file: FileHandle;
  headers: Buffer;
  segments: readonly Segment[];
  dataBytes: number;
}

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
  const contentBytes = plan.reduce((sum, { headers, dataBytes }) => {
    return sum + headers.length + dataBytes + paddingAfter(dataBytes).length;
  }, END_OF_ARCHIVE.length);
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

async function planFile(
  directory: string,
  name: ImageFile,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<PlannedFile> {
  const file = scope.use(await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW));
  const { size, blocks } = await file.stat();
  const extents = blocks * 512 < size ? await tryMapData(join(directory, name), { signal }) : undefined;
  const segments = await findData(file, size, { extents, signal });
  const dataBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const headers = dataBytes === size ? buildFileHeaders(name, size) : buildSparseHeaders(name, size, segments);
  return { file, headers, segments, dataBytes };
}

async function* tarStream(plan: readonly PlannedFile[], { signal, onProgress }: PackOptions): AsyncGenerator<Buffer> {
  const total = plan.reduce((sum, { dataBytes }) => sum + dataBytes, 0);
  let done = 0;
  for (const { file, headers, segments, dataBytes } of plan) {
    yield headers;
    for (const segment of segments) {
      for await (const chunk of readSegment(file, segment)) {
        signal?.throwIfAborted();
        yield chunk;
        done += chunk.length;
        onProgress?.(done, total);
      }
    }
    const padding = paddingAfter(dataBytes);
    if (padding.length > 0) yield padding;
  }
  yield END_OF_ARCHIVE;
}

async function* readSegment(file: FileHandle, { offset, bytes }: Segment): AsyncGenerator<Buffer> {
  for (let done = 0; done < bytes; ) {
    // A new buffer each time: the consumer may still be writing the last one.
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, bytes - done));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + done);
    if (bytesRead === 0) throw new Error("a file became shorter while it was packed");
    yield buffer.subarray(0, bytesRead);
    done += bytesRead;
  }
}
