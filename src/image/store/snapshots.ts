/**
 * Machines that have booted from one image and were captured, kept beside it.
 *
 *   snapshots/<image>/<key>/record.json   what it is, and what its files must look like
 *                           memory        of the guest; sparse, mapped privately by each machine resumed from it
 *                           state         of the devices
 *                           disk.qcow2    what the boot wrote, on top of the image
 *
 * The key says for which machines a snapshot is good; who makes one holds the lock of its key. A record without files
 * says that no snapshot can be made, or not soon: so that a boot is not wasted again and again. Removing a snapshot
 * that machines still use harms none of them: they have its files open.
 */
import { createHash } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing, syncDirectory, writeDurably } from "../../host/durable-file.ts";
import type { FileLocks } from "../../host/file-locks.ts";
import type { StoreLayout } from "./layout.ts";

export interface Snapshot {
  readonly kind: "snapshot";
  readonly id: string;
  readonly key: string;
  /** What machine it is, for people. */
  readonly title: string;
  readonly created: Date;
  readonly lastUsed: Date;
  /** Whether a machine was ever resumed from it. */
  readonly proven: boolean;
  /** Absolute paths. */
  readonly files: Readonly<Record<SnapshotFile, string>>;
  /** What its files take on the disk. */
  readonly diskBytes: number;
}

/** No snapshot is to be made for this key, at least not before `until`. */
export interface SnapshotRefusal {
  readonly kind: "refusal";
  readonly key: string;
  readonly title: string;
  readonly why: string;
  readonly until: Date | undefined;
}

/** What is there is not what was written; somebody should remove it. */
export interface DamagedSnapshot {
  readonly kind: "damaged";
  readonly key: string;
  readonly id: string | undefined;
  readonly why: string;
}

export type SnapshotEntry = Snapshot | SnapshotRefusal | DamagedSnapshot;

export type SnapshotFile = (typeof SNAPSHOT_FILES)[number];

/** Files of a snapshot that is being made, under the names it will have. */
export interface SnapshotDraft extends AsyncDisposable {
  readonly directory: string;
  readonly files: Readonly<Record<SnapshotFile, string>>;
  /** Makes it a snapshot that others find. Nothing writes to its files any more. */
  publish(title: string): Promise<Snapshot>;
}

const SNAPSHOT_FILES = ["memory", "state", "disk.qcow2"] as const;
/** Of one image; the least recently used go first. */
const MAX_SNAPSHOTS = 8;
const MAX_REFUSALS = 64;
const RECORD_FILE = "record.json";
/** Its time is that of the last use; it comes into being with the first. */
const LAST_USED_FILE = "last-used";

interface SnapshotRecord {
  version: 1;
  id: string;
  title: string;
  created: string;
  refusal?: { why: string; until?: string };
  files?: Record<SnapshotFile, FileMark>;
}

/** What a file that was not touched looks like. The whole memory would take too long to read. */
interface FileMark {
  bytes: number;
  mtimeNs: string;
  /** Of small files. */
  sha256?: string;
}

export class ImageSnapshots {
  readonly #layout: StoreLayout;
  readonly #locks: FileLocks;
  readonly #sha256: string;

  /** @param sha256 Of an image that is in the store as long as this object is used. */
  constructor(layout: StoreLayout, locks: FileLocks, sha256: string) {
    this.#layout = layout;
    this.#locks = locks;
    this.#sha256 = sha256;
  }

  async find(key: string): Promise<SnapshotEntry | undefined> {
    const directory = this.#directory(key);
    const text = await this.#layout.tryRead(join(directory, RECORD_FILE));
    if (text === undefined) return undefined;
    const record = tryParseRecord(text);
    if (record === undefined) return { kind: "damaged", key, id: undefined, why: "its record cannot be read" };
    const { id, title, refusal, files } = record;
    if (files === undefined) {
      const until = refusal?.until === undefined ? undefined : new Date(refusal.until);
      if (until !== undefined && until <= new Date()) return undefined;
      return { kind: "refusal", key, title, why: refusal?.why ?? "for a reason that was not recorded", until };
    }
    const marks = await Promise.all(SNAPSHOT_FILES.map((name) => tryMark(join(directory, name))));
    const damaged = SNAPSHOT_FILES.find((name, index) => !sameMark(marks[index], files[name]));
    if (damaged !== undefined) return { kind: "damaged", key, id, why: `its file ${damaged} was changed` };
    const created = new Date(record.created);
    const lastUsed = (await stat(join(directory, LAST_USED_FILE)).catch(ignoreMissing))?.mtime;
    return {
      kind: "snapshot",
      id,
      key,
      title,
      created,
      lastUsed: lastUsed ?? created,
      proven: lastUsed !== undefined,
      files: filesIn(directory),
      diskBytes: marks.reduce((sum, mark) => sum + (mark?.diskBytes ?? 0), 0),
    };
  }

  /** All there are, the most recently used first. */
  async list(): Promise<SnapshotEntry[]> {
    const keys = await this.#layout.names("snapshots", this.#sha256);
    const found = await Promise.all(keys.map((key) => this.find(key)));
    const time = (entry: SnapshotEntry) => (entry.kind === "snapshot" ? entry.lastUsed.getTime() : 0);
    return found.filter((entry) => entry !== undefined).sort((a, b) => time(b) - time(a));
  }

  /** Held by who makes the snapshot of a key. @throws `signal.reason`. */
  async lock(key: string, signal?: AbortSignal): Promise<AsyncDisposable> {
    return await this.#locks.acquire(`snapshot-${this.#sha256}-${key}`, { signal });
  }

  /** Begins a snapshot, under the lock of its key. Disposed before it is published, nothing of it is left. */
  async begin(key: string): Promise<SnapshotDraft> {
    const staging = await this.#layout.makeStaging();
    const files = filesIn(staging.path);
    // QEMU would let everybody read the memory of a machine.
    await chmod(staging.path, 0o700);
    const publish = async (title: string) => {
      const marks = await Promise.all(
        SNAPSHOT_FILES.map(async (name) => {
          await sync(files[name]);
          const { diskBytes: _, ...mark } = await markOf(files[name]);
          return [name, mark] as const;
        }),
      );
      await this.#publish(staging.path, key, {
        title,
        files: Object.fromEntries(marks) as SnapshotRecord["files"] & {},
      });
      const snapshot = await this.find(key);
      if (snapshot?.kind !== "snapshot") throw new Error("a snapshot was changed while it was published");
      return snapshot;
    };
    return { directory: staging.path, files, publish, [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose]() };
  }

  /** Keeps others from making a snapshot of this key; under its lock. */
  async refuse(key: string, title: string, why: string, until: Date | undefined): Promise<void> {
    await using staging = await this.#layout.makeStaging();
    const refusal = { why, ...(until === undefined ? {} : { until: until.toISOString() }) };
    await this.#publish(staging.path, key, { title, refusal });
  }

  /** A machine was resumed from it. */
  async noteUse({ key }: Snapshot): Promise<void> {
    const now = new Date();
    // It may have been removed meanwhile.
    await using file = await open(join(this.#directory(key), LAST_USED_FILE), "a").catch(ignoreMissing);
    await file?.utimes(now, now);
  }

  /** Removes the very snapshot that was found, not one made since; under the lock of its key. */
  async remove({ key, id }: Pick<DamagedSnapshot, "key" | "id">): Promise<void> {
    const text = await this.#layout.tryRead(join(this.#directory(key), RECORD_FILE));
    if (text === undefined || tryParseRecord(text)?.id !== id) return;
    await using staging = await this.#layout.makeStaging();
    await rename(this.#directory(key), join(staging.path, key)).catch(ignoreMissing);
  }

  async #publish(directory: string, key: string, record: Pick<SnapshotRecord, "title" | "files" | "refusal">) {
    const whole: SnapshotRecord = { version: 1, id: crypto.randomUUID(), created: new Date().toISOString(), ...record };
    await writeDurably(join(directory, RECORD_FILE), `${JSON.stringify(whole, undefined, 2)}\n`);
    await syncDirectory(directory);
    await mkdir(this.#layout.path("snapshots", this.#sha256), { recursive: true });
    await using replaced = await this.#layout.makeStaging();
    await rename(this.#directory(key), join(replaced.path, key)).catch(ignoreMissing);
    await rename(directory, this.#directory(key));
    await syncDirectory(this.#layout.path("snapshots", this.#sha256));
    // What is too much is found again the next time.
    await this.#prune().catch(() => {});
  }

  /** Machines come in ever new shapes, and each leaves a snapshot, or a record that there can be none. */
  async #prune(): Promise<void> {
    const { snapshot = [], other = [] } = Object.groupBy(await this.list(), ({ kind }) =>
      kind === "snapshot" ? kind : "other",
    );
    for (const entry of snapshot.slice(MAX_SNAPSHOTS)) if (entry.kind === "snapshot") await this.remove(entry);
    for (const { key } of other.slice(MAX_REFUSALS)) {
      await using staging = await this.#layout.makeStaging();
      await rename(this.#directory(key), join(staging.path, key)).catch(ignoreMissing);
    }
  }

  #directory(key: string): string {
    return this.#layout.path("snapshots", this.#sha256, key);
  }
}

function filesIn(directory: string): Record<SnapshotFile, string> {
  return {
    memory: join(directory, "memory"),
    state: join(directory, "state"),
    "disk.qcow2": join(directory, "disk.qcow2"),
  };
}

function tryParseRecord(text: string): SnapshotRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<SnapshotRecord> | null;
    return record !== null && isWhole(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** A record may be of another version, or what a full disk or a person made of one. */
function isWhole(record: Partial<SnapshotRecord>): record is SnapshotRecord {
  const { version, id, title, created, files, refusal } = record;
  const isDate = (text: unknown) => typeof text === "string" && !Number.isNaN(Date.parse(text));
  const isMark = (mark: Partial<FileMark> | null | undefined) => typeof mark?.mtimeNs === "string";
  if (version !== 1 || typeof id !== "string" || typeof title !== "string" || !isDate(created)) return false;
  if (files === undefined)
    return typeof refusal === "object" && (refusal?.until === undefined || isDate(refusal.until));
  return SNAPSHOT_FILES.every((name) => isMark(files?.[name]));
}

/** Larger files are told by size and time. */
const MAX_HASHED_BYTES = 16 * 1_024 * 1_024;

async function markOf(path: string): Promise<FileMark & { diskBytes: number }> {
  const { size, mtimeNs, blocks } = await stat(path, { bigint: true });
  const hashed = path.endsWith("state") && size <= MAX_HASHED_BYTES;
  return {
    bytes: Number(size),
    mtimeNs: String(mtimeNs),
    ...(hashed
      ? {
          sha256: createHash("sha256")
            .update(await readFile(path))
            .digest("hex"),
        }
      : {}),
    diskBytes: Number(blocks) * 512,
  };
}

async function tryMark(path: string): Promise<(FileMark & { diskBytes: number }) | undefined> {
  return await markOf(path).catch(ignoreMissing);
}

function sameMark(a: FileMark | undefined, b: FileMark): boolean {
  return a !== undefined && a.bytes === b.bytes && a.mtimeNs === b.mtimeNs && a.sha256 === b.sha256;
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
