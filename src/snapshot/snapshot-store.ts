/**
 * Saved machines of one host, of any kind, found by id and by name.
 *
 *   begin ──▶ draft in staging ──publish──▶ in the store ──remove──▶ gone
 *
 * Several processes may use one store at once, and any of them may be killed at any point. All that changes what is in
 * the store happens under one lock, in renames; what takes time (copies, removals, the disk) happens outside of it.
 * Each saved machine keeps its image in the store of images, by a pin.
 */
import { readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Logger, silentLogger } from "../base/log.ts";
import { ignoreMissing, syncDirectory } from "../host/durable-file.ts";
import { FileLocks } from "../host/file-locks.ts";
import { isAbandoned } from "../host/owned-name.ts";
import { requireDiskSpace } from "../image/disk-space.ts";
import { requireFacts, type SealedDraft, type SnapshotDraft, sealDraft } from "./draft.ts";
import { SnapshotError } from "./errors.ts";
import { SnapshotLayout } from "./layout.ts";
import { beginLease, countLeases, removeLeases } from "./leases.ts";
import { readEntry } from "./read-entry.ts";
import { findByReference, notFound } from "./reference.ts";
import { planRoom, type RoomLimits } from "./room.ts";
import type { SavedMachine, SnapshotEntry, SnapshotFacts } from "./saved-machine.ts";

/** What keeps an image where it is; the store of images is one. */
export interface ImagePins {
  /** For as long as there is something at `path`. */
  pin(reference: string, what: { key: string; path: string }): Promise<void>;
}

export interface SnapshotStoreOptions {
  /** Made if it is not there. */
  directory: string;
  images: ImagePins;
  /** Free space that is left on its disk, whatever is saved. Default: 1 GiB. */
  reserveBytes?: number;
  logger?: Logger;
}

/** The right to use a saved machine: it is not removed before this is disposed. */
export interface SnapshotLease extends AsyncDisposable {
  readonly saved: SavedMachine;
}

const DEFAULT_RESERVE_BYTES = 1_024 ** 3;
const LOCK = "store";

export class SnapshotStore {
  readonly #layout: SnapshotLayout;
  readonly #locks: FileLocks;
  readonly #images: ImagePins;
  readonly reserveBytes: number;

  private constructor(layout: SnapshotLayout, locks: FileLocks, { images, reserveBytes }: SnapshotStoreOptions) {
    this.#layout = layout;
    this.#locks = locks;
    this.#images = images;
    this.reserveBytes = reserveBytes ?? DEFAULT_RESERVE_BYTES;
  }

  /** Opens a store and removes what processes that died left in it. */
  static async open(options: SnapshotStoreOptions): Promise<SnapshotStore> {
    const { directory, logger = silentLogger } = options;
    const layout = await SnapshotLayout.create(resolve(directory));
    const store = new SnapshotStore(layout, new FileLocks(layout.path("locks")), options);
    const removed = await store.#reclaim();
    if (removed > 0) logger.log("info", "removed what was left of unfinished snapshots", { directory, removed });
    return store;
  }

  /** Begins one. Disposed before it is published, nothing of it is left. */
  async begin(): Promise<SnapshotDraft> {
    const staging = await this.#layout.makeStaging();
    const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
    return {
      id,
      directory: staging.path,
      publish: async (facts, layers, room) => {
        const sealed = await sealDraft(staging.path, id, facts, layers, await readdir(staging.path));
        return await this.#publish(staging.path, sealed, room);
      },
      [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
    };
  }

  /**
   * Whether one with these facts may be published now, before anything is done for it; another one may get its name first.
   *
   * @throws {SnapshotError} `snapshot-exists`; {@link InvalidInputError} (blame: task)
   */
  async requirePublishable(facts: SnapshotFacts): Promise<void> {
    requireFacts(facts);
    requireFreeName(facts.name, await this.#machines());
  }

  /** @throws {ImageError} `disk-space-low` unless `bytes` more can be saved. */
  async requireRoom(bytes: number): Promise<void> {
    await requireDiskSpace(this.#layout.directory, bytes, this.reserveBytes, "the snapshot");
  }

  /** All there are, the newest first; damaged ones last. */
  async list(): Promise<SnapshotEntry[]> {
    const ids = await this.#layout.names("machines");
    const found = await Promise.all(ids.map((id) => readEntry(this.#layout, id)));
    const time = (entry: SnapshotEntry) => (entry.kind === "machine" ? entry.created.getTime() : 0);
    return found.filter((entry) => entry !== undefined).sort((a, b) => time(b) - time(a));
  }

  /**
   * @param reference Id, name, or at least the first three digits of an id.
   * @throws {SnapshotError} `snapshot-not-found`, `snapshot-ambiguous`, `snapshot-reference-invalid`.
   */
  async find(reference: string): Promise<SnapshotEntry> {
    return findByReference(reference, await this.list());
  }

  /** @throws {SnapshotError} as {@link find}; `snapshot-damaged`; one that has expired is not found. */
  async acquire(reference: string): Promise<SnapshotLease> {
    const { id } = await this.find(reference);
    await using _lock = await this.#locks.acquire(LOCK);
    const entry = await readEntry(this.#layout, id);
    if (entry?.kind === "damaged") {
      const message = `the snapshot ${reference} is damaged (${entry.why}); remove it`;
      throw new SnapshotError("snapshot-damaged", message, { blame: "host" });
    }
    if (entry === undefined || isExpired(entry, new Date())) throw notFound(reference);
    const lease = await beginLease(this.#layout, id);
    return { saved: entry, [Symbol.asyncDispose]: () => Promise.resolve(lease[Symbol.asyncDispose]()) };
  }

  /** @throws {SnapshotError} as {@link find}; `snapshot-in-use` while anybody holds a lease on it, in any process. */
  async remove(reference: string): Promise<SnapshotEntry> {
    const entry = await this.find(reference);
    await using staging = await this.#layout.makeStaging();
    await using _lock = await this.#locks.acquire(LOCK);
    const leases = await countLeases(this.#layout, entry.id);
    if (leases > 0) {
      const users =
        leases === 1 ? "a machine is being started from it" : `${leases} machines are being started from it`;
      const message = `the snapshot ${reference} cannot be removed while ${users}`;
      throw new SnapshotError("snapshot-in-use", message, { blame: "task", details: { leases } });
    }
    if (!(await this.#take(entry.id, staging.path))) throw notFound(reference);
    return entry;
  }

  /** Removes what has expired and nobody uses. */
  async removeExpired(now = new Date()): Promise<SavedMachine[]> {
    const expired = (await this.list()).filter((entry) => entry.kind === "machine" && isExpired(entry, now));
    const removed: SavedMachine[] = [];
    for (const entry of expired as SavedMachine[]) {
      await using staging = await this.#layout.makeStaging();
      await using _lock = await this.#locks.acquire(LOCK);
      if ((await countLeases(this.#layout, entry.id)) > 0) continue;
      if (await this.#take(entry.id, staging.path)) removed.push(entry);
    }
    return removed;
  }

  async #machines(): Promise<SavedMachine[]> {
    return (await this.list()).filter((entry) => entry.kind === "machine");
  }

  async #publish(directory: string, { record, diskBytes }: SealedDraft, room: RoomLimits | undefined) {
    const { id, name, image } = record;
    const target = this.#layout.path("machines", id);
    await using staging = await this.#layout.makeStaging();
    {
      await using _lock = await this.#locks.acquire(LOCK);
      const there = await this.#machines();
      requireFreeName(name, there);
      await this.#images.pin(image.digest, { key: `snapshot-${id}`, path: target });
      if (room !== undefined) await this.#makeRoom(there, record, diskBytes, room, staging.path);
      await rename(directory, target);
      await syncDirectory(this.#layout.path("machines"));
    }
    const entry = await readEntry(this.#layout, id);
    if (entry?.kind === "machine") return entry;
    const message = `the snapshot ${id} was changed or removed as soon as it was made`;
    throw new SnapshotError("snapshot-damaged", message, { blame: "host" });
  }

  /** Under the lock. */
  async #makeRoom(
    there: readonly SavedMachine[],
    { kind, imported }: SavedMachine["record"],
    newBytes: number,
    room: RoomLimits,
    trash: string,
  ): Promise<void> {
    const among = room.among ?? (({ record }) => record.kind === kind && record.imported === imported);
    const inUse = new Set<string>();
    for (const { id } of there) if ((await countLeases(this.#layout, id)) > 0) inUse.add(id);
    const going = planRoom({ there: there.filter(among), inUse, newBytes, now: new Date() }, room);
    for (const { id } of going) await this.#take(id, trash);
  }

  /** Under the lock. @param trash A folder in staging, which is removed after that. */
  async #take(id: string, trash: string): Promise<boolean> {
    const isGone = await rename(this.#layout.path("machines", id), join(trash, id)).then(
      () => true,
      (error: unknown) => ignoreMissing(error) ?? false,
    );
    await removeLeases(this.#layout, id);
    return isGone;
  }

  /** What belongs to somebody alive, or to nobody we know, stays. */
  async #reclaim(): Promise<number> {
    let removed = 0;
    for (const name of await this.#layout.names("staging")) {
      if (!(await isAbandoned(name))) continue;
      await rm(this.#layout.path("staging", name), { recursive: true, force: true });
      removed++;
    }
    for (const id of await this.#layout.names("leases")) {
      await using _lock = await this.#locks.acquire(LOCK);
      const isThere = (await this.#layout.names("machines")).includes(id);
      if (isThere) await countLeases(this.#layout, id);
      else await removeLeases(this.#layout, id);
    }
    for (const name of await this.#layout.names("locks")) await this.#locks.reclaim(name);
    return removed;
  }
}

export function isExpired({ expires }: SavedMachine, now: Date): boolean {
  return expires !== undefined && expires <= now;
}

/** @throws {SnapshotError} `snapshot-exists` */
function requireFreeName(name: string | undefined, there: readonly SavedMachine[]): void {
  if (name === undefined || there.every(({ record }) => record.name !== name)) return;
  const message = `there is a snapshot ${name} already; remove it, or choose another name`;
  throw new SnapshotError("snapshot-exists", message, { blame: "task" });
}
