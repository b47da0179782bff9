/**
 * Unpacks an archive of a saved machine into the store.
 *
 * The trust boundary of snapshots: nothing of the archive decides where or as what it is written, and no disk is opened
 * before it was judged. The state of the devices is for QEMU to judge, which is not made for hostile ones: whoever
 * imports a snapshot trusts who made it about as much as a program that he runs in a sandbox.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSnapshot } from "../../generated/machine-snapshot.ts";
import { ByteReader } from "../../image/archive/byte-reader.ts";
import { type TarEntry, TarReader } from "../../image/archive/tar-reader.ts";
import { unpackFile } from "../../image/archive/unpack.ts";
import { DiskSpaceGuard } from "../../image/disk-space.ts";
import type { Image } from "../../image/store/image.ts";
import type { ZstdCodec } from "../../image/zstd/codec.ts";
import { baseOf, linkBase } from "../own-disk.ts";
import { MAX_RECORD_BYTES, parseRecord } from "../record.ts";
import type { RoomLimits } from "../room.ts";
import type { SavedMachine, SnapshotFacts } from "../saved-machine.ts";
import type { SnapshotStore } from "../snapshot-store.ts";
import {
  DEFAULT_LIMITS,
  judgeCompleteness,
  judgeEntry,
  judgeManifest,
  MANIFEST_FILE,
  maxArchiveBytes,
  refused,
  type SnapshotLimits,
} from "./format.ts";
import { judgeDisks } from "./judge-disks.ts";

/** What has the images; the store of images is one. */
export interface ImageSource {
  /** @throws {ImageError} `image-not-found` */
  acquire(reference: string): Promise<{ readonly image: Image } & AsyncDisposable>;
}

export interface ImportOptions {
  zstd: ZstdCodec;
  images: ImageSource;
  limits?: SnapshotLimits;
  /** Instead of the one it had. */
  name?: string | undefined;
  room?: RoomLimits | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * It gets an id of its own, and stays until it is removed. What it was stays in its record, which says that it was
 * imported: no task has anything to do with it.
 *
 * @throws {SnapshotError} `snapshot-archive-refused` and what publishing throws; {@link ImageError}: its image is not
 *   here, or one of its disks is refused; {@link ZstdError}, {@link InvalidInputError}. Nothing of it is left then.
 */
export async function importSnapshot(
  store: SnapshotStore,
  archive: string | AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<SavedMachine> {
  const { zstd, images, limits = DEFAULT_LIMITS, name, room, signal } = options;
  await using draft = await store.begin();
  const source = typeof archive === "string" ? createReadStream(archive) : archive;
  const stream = zstd.decompress(source, { maxOutputBytes: maxArchiveBytes(limits), signal });
  const named = name === undefined ? {} : { name };
  const record = await unpack(stream, draft.directory, store.reserveBytes, limits, (manifest) =>
    store.requirePublishable({ ...factsOf(manifest), ...named }),
  );
  await using lease = await images.acquire(record.image.digest);
  const { name: file, format } = baseOf(lease.image);
  await linkBase(draft.directory, lease.image);
  const { virtualBytes } = lease.image.sizes;
  await judgeDisks(draft.directory, record, { name: file, format, virtualBytes }, limits, signal);
  await requireDigests(draft.directory, record);
  const { layers } = record;
  return await draft.publish({ ...factsOf(record), ...named }, layers, room);
}

/** What an archive may say of itself. Nobody here has said when it goes; and who its task was for, nobody can know. */
function factsOf(record: MachineSnapshot): SnapshotFacts {
  const { version: _version, id: _id, files: _files, layers: _layers, expires: _expires, config, ...facts } = record;
  const isOfTask = record.kind !== "vm";
  return { ...facts, imported: true, ...(config === undefined || isOfTask ? {} : { config }) };
}

/** @param admit Called before any other file is looked at. */
async function unpack(
  stream: AsyncIterable<Uint8Array>,
  directory: string,
  reserveBytes: number,
  limits: SnapshotLimits,
  admit: (manifest: MachineSnapshot) => Promise<void>,
): Promise<MachineSnapshot> {
  const guard = new DiskSpaceGuard(directory, reserveBytes);
  const reader = new ByteReader(stream);
  const seen = new Set<string>();
  let record: MachineSnapshot | undefined;
  try {
    const tar = new TarReader(reader);
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      judgeEntry(entry, record, seen, limits);
      seen.add(entry.name);
      if (record === undefined) {
        record = parseRecord(await readText(entry), { subject: MANIFEST_FILE, blame: "task" });
        judgeManifest(record, limits);
        await admit(record);
        continue;
      }
      await guard.require(0);
      await unpackFile(entry, join(directory, entry.name), guard);
    }
    return judgeCompleteness(record, seen);
  } finally {
    await reader.close();
  }
}

async function readText(entry: TarEntry): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const { offset, chunk } of entry.content()) {
    if (offset !== bytes) throw refused(`has holes in its ${MANIFEST_FILE}`);
    bytes += chunk.length;
    if (bytes > MAX_RECORD_BYTES) throw refused(`has a ${MANIFEST_FILE} that is too large`);
    // It lives only as long as nothing more is read.
    parts.push(Buffer.from(chunk));
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Of the files of which the record has one. */
async function requireDigests(directory: string, { files }: MachineSnapshot): Promise<void> {
  for (const { name, sha256 } of files) {
    if (sha256 === undefined) continue;
    const found = createHash("sha256")
      .update(await readFile(join(directory, name)))
      .digest("hex");
    if (found !== sha256) throw refused(`has another ${name} than its ${MANIFEST_FILE} says`);
  }
}
