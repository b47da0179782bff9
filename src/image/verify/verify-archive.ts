/**
 * The verdict that an import of an archive would give, without an import: nothing of it stays, and of its disk nothing
 * is written but the first sector.
 */
import { createHash } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Scope } from "../../base/scope.ts";
import type { ImageProvenance } from "../../generated/image.ts";
import type { Machine } from "../../generated/machine.ts";
import { makeOwnedName } from "../../host/owned-name.ts";
import type { ImageFile } from "../archive/format.ts";
import { type ReadOptions, readArchive } from "../archive/read-archive.ts";
import type { TarEntry } from "../archive/tar-reader.ts";
import { unpackFile } from "../archive/unpack.ts";
import { DiskSpaceGuard } from "../disk-space.ts";
import { ImageError } from "../errors.ts";
import { RAW_DISK_PROBE_BYTES } from "../policy.ts";
import type { ArchiveSource } from "../store/archive-source.ts";
import type { ImportProgress } from "../store/importer.ts";
import { type ParentDisk, parentOf, readProvenance, validateImage } from "../validate.ts";
import { FileComparer } from "./file-comparer.ts";

export interface VerifyOptions extends ReadOptions {
  /** A folder of ours, where a folder for a while is made, whose name says whose it is: others remove it if we die. */
  workDirectory: string;
  /** The disk of a parent; undefined if it is not here, which an import would refuse too. */
  findParent?: ((digest: string) => Promise<ParentDisk | undefined>) | undefined;
  /** A folder that must hold the same files. */
  compareWith?: string | undefined;
  onProgress?: ((progress: ImportProgress) => void) | undefined;
}

export interface VerifiedFile {
  readonly name: ImageFile;
  /** Apparent size, holes included. */
  readonly bytes: number;
  /** What the archive holds of it. */
  readonly dataBytes: number;
}

/** Nothing that would be refused, but worth to be known. */
export interface Finding {
  readonly code: "no-provenance" | "archive-not-kept";
  readonly message: string;
}

export interface VerifiedImage {
  /** `sha256:…` of the archive. */
  readonly digest: string;
  readonly archiveBytes: number;
  /** In the order of the archive. */
  readonly files: readonly VerifiedFile[];
  readonly machine: Machine;
  readonly provenance: ImageProvenance | undefined;
  /** Digest of the image it lies on. */
  readonly parent: string | undefined;
  readonly virtualBytes: number;
  readonly findings: readonly Finding[];
}

/** Files that are looked into; of the others an import knows the size and how they begin. */
const WHOLE: ReadonlySet<ImageFile> = new Set(["image.json", "machine.json", "layer.qcow2"]);

/**
 * @throws whatever an import would throw; {@link ImageError} `image-damaged` where `compareWith` holds something else.
 */
export async function verifyArchive(source: ArchiveSource, options: VerifyOptions): Promise<VerifiedImage> {
  const { signal = NEVER, limits } = options;
  await using scope = new Scope();
  const directory = join(options.workDirectory, await makeOwnedName());
  await mkdir(directory, { mode: 0o700 });
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  await source.prepare?.(signal);
  const hash = createHash("sha256");
  let archiveBytes = 0;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.open(signal)) {
      hash.update(chunk);
      archiveBytes += chunk.length;
      yield chunk;
      options.onProgress?.({ doneBytes: archiveBytes, totalBytes: source.bytes });
    }
  }
  const guard = new DiskSpaceGuard(directory, limits.reserveBytes);
  const found: VerifiedFile[] = [];
  const files = await readArchive(hashed(), options, async (file, entry) => {
    let dataBytes = 0;
    const counted = watched(entry, (_, chunk) => {
      dataBytes += chunk.length;
    });
    await using comparer =
      options.compareWith === undefined ? undefined : await FileComparer.open(options.compareWith, file);
    const compared = comparer === undefined ? counted : watched(counted, (at, chunk) => comparer.compare(at, chunk));
    const path = join(directory, file);
    await (WHOLE.has(file) ? unpackFile(compared, path, guard) : readThrough(compared, path));
    await comparer?.finish(entry.realBytes);
    found.push({ name: file, bytes: entry.realBytes, dataBytes });
  });
  const digest = hash.digest("hex");
  if (source.sha256 !== undefined && source.sha256 !== digest) {
    throw new ImageError(
      "image-digest-mismatch",
      `the archive has the digest sha256:${digest}, not sha256:${source.sha256} as was asked for`,
      { blame: "task", details: { expected: source.sha256, actual: digest } },
    );
  }
  const parentDigest = parentOf(await readProvenance(directory, files));
  const parent = parentDigest === undefined ? undefined : await options.findParent?.(parentDigest);
  const contents = await validateImage(directory, files, limits, { parent, signal });
  return {
    digest: `sha256:${digest}`,
    archiveBytes,
    files: found,
    machine: contents.machine,
    provenance: contents.provenance,
    parent: parentDigest,
    virtualBytes: contents.virtualBytes,
    findings: findingsOf(contents.provenance),
  };
}

const NEVER = new AbortController().signal;

export function findingsOf(provenance: ImageProvenance | undefined): Finding[] {
  if (provenance !== undefined) return [];
  return [{ code: "no-provenance", message: "it has no image.json: nothing says where it comes from" }];
}

/** The entry, whose content passes `watch`. */
function watched(entry: TarEntry, watch: (offset: number, chunk: Buffer) => unknown): TarEntry {
  return {
    ...entry,
    async *content() {
      for await (const piece of entry.content()) {
        await watch(piece.offset, piece.chunk);
        yield piece;
      }
    },
  };
}

/** Reads all of a file, and writes how it begins; what is written has its size. */
async function readThrough(entry: TarEntry, path: string): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  for await (const { offset, chunk } of entry.content()) {
    if (offset >= RAW_DISK_PROBE_BYTES) continue;
    await file.write(chunk, 0, Math.min(chunk.length, RAW_DISK_PROBE_BYTES - offset), offset);
  }
  await file.truncate(entry.realBytes);
}
