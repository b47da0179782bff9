/**
 * The caches of one host: named disks that outlive the machines that use them.
 *
 *   none ──acquire()──▶ an empty or preloaded state ──commit()──▶ the next state ──▶ …
 *     ◀──────────────────────────────── purge(), trim() ───────────────────────────┘
 *
 * Several processes may use one folder at once, and any of them may be killed at any point. A state is never changed
 * once it is there: who reads goes on reading the one he was given, however many come after it. Guests are hostile, and
 * so is what they write: no program of the host ever looks into it.
 */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Logger, silentLogger } from "../base/log.ts";
import { Scope } from "../base/scope.ts";
import { formatDuration } from "../base/units.ts";
import { syncFile } from "../host/durable-file.ts";
import { FileLocks } from "../host/file-locks.ts";
import { isAbandoned } from "../host/owned-name.ts";
import { CacheFolder } from "./cache-folder.ts";
import { CacheLease, type CacheMode } from "./cache-lease.ts";
import { CacheError } from "./errors.ts";
import { makeFileSystem } from "./file-system.ts";
import { CacheLayout } from "./layout.ts";
import { cacheSize, requireCacheName } from "./limits.ts";
import { unpackPreload } from "./preload/unpack.ts";
import type { Generation } from "./record.ts";

export interface AcquireCacheOptions {
  /** One exclusive user at a time may keep changes; any number of shared ones read, and what they write is lost. */
  mode: CacheMode;
  /** Of a cache that is made; one that is there keeps its size. Rounded up to whole MiB. */
  sizeBytes: number;
  /** Absolute path of a tar archive, plain or packed with gzip or zstd: what is in a cache that is made. */
  preload?: string | undefined;
  /** How long to wait for another exclusive user; default 10 minutes. */
  maxWaitMs?: number | undefined;
  /** Told what takes time, in sentences for the log of the task. */
  note?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface CacheInfo {
  readonly name: string;
  /** What guests see. */
  readonly sizeBytes: number;
  readonly diskBytes: number;
  readonly created: Date;
  readonly lastUsed: Date;
  /** How many machines use it. */
  readonly users: number;
}

const DEFAULT_WAIT_MS = 600_000;
/** Waiting for longer is worth a line in the log. */
const QUIET_WAIT_MS = 500;

export class CacheStore {
  readonly #layout: CacheLayout;
  readonly #locks: FileLocks;

  private constructor(layout: CacheLayout) {
    this.#layout = layout;
    this.#locks = new FileLocks(layout.path("locks"));
  }

  /**
   * Opens the caches in a folder, and removes what processes that died left there.
   *
   * @param directory Made if it is not there.
   */
  static async open({ directory, logger = silentLogger }: { directory: string; logger?: Logger }): Promise<CacheStore> {
    const store = new CacheStore(await CacheLayout.create(resolve(directory)));
    const removed = await store.#reclaim();
    if (removed > 0) logger.log("info", "removed what machines that died had of caches", { directory, removed });
    return store;
  }

  /**
   * The right to use a cache, which is made if there is none. Who needs several acquires them in the order of their
   * names, so that nobody waits in a circle.
   *
   * @throws {@link CacheError} `cache-busy` if another exclusive user does not finish in time; `cache-name-invalid`,
   *   `cache-size-invalid`, `preload-refused`, `preload-too-large`; `signal.reason`.
   */
  async acquire(name: string, options: AcquireCacheOptions): Promise<CacheLease> {
    requireCacheName(name);
    const folder = new CacheFolder(this.#layout, name);
    await using scope = new Scope();
    if (options.mode === "exclusive") scope.use(await this.#takeTurn(name, options));
    let leased = await this.#tryLease(folder, scope);
    // It may be purged as soon as it is made.
    while (leased === undefined) {
      options.signal?.throwIfAborted();
      await this.#make(folder, options);
      leased = await this.#tryLease(folder, scope);
    }
    const { path: directory } = scope.use(await this.#layout.makeStaging());
    const lockState = () => this.#lockState(name);
    const parts = { mode: options.mode, folder, generation: leased, directory, lockState };
    return await CacheLease.create(parts, scope);
  }

  /** All there are, the most recently used first. */
  async list(): Promise<CacheInfo[]> {
    const found = await Promise.all((await this.#layout.names("names")).map((name) => this.#describe(name)));
    return found.filter((info) => info !== undefined).sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  }

  /**
   * Removes a cache. Machines that use it go on, but nothing of theirs is kept.
   *
   * @throws {@link CacheError} `cache-not-found`, `cache-name-invalid`
   */
  async purge(name: string): Promise<void> {
    requireCacheName(name);
    if (!(await this.#forget(name))) {
      throw new CacheError("cache-not-found", `there is no cache "${name}"; "boxcar cache list" shows which there are`);
    }
  }

  /** Purges the least recently used caches that nobody uses, until all take at most `maxBytes` on the disk. */
  async trim(maxBytes: number): Promise<string[]> {
    await this.#reclaim();
    const caches = await this.list();
    const purged: string[] = [];
    let total = caches.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
    for (const { name, diskBytes, users } of caches.reverse()) {
      if (total <= maxBytes) break;
      if (users > 0 || !(await this.#forget(name))) continue;
      purged.push(name);
      total -= diskBytes;
    }
    return purged;
  }

  async #takeTurn(name: string, options: AcquireCacheOptions): Promise<AsyncDisposable> {
    const { maxWaitMs = DEFAULT_WAIT_MS, note = () => {}, signal } = options;
    const timer = setTimeout(() => note(`waiting for another task to finish with the cache ${name}`), QUIET_WAIT_MS);
    const late = AbortSignal.timeout(maxWaitMs);
    try {
      return await this.#locks.acquire(`use-${name}`, { signal: signal ? AbortSignal.any([signal, late]) : late });
    } catch (error) {
      signal?.throwIfAborted();
      if (!late.aborted) throw error;
      const message = `another task has used the cache ${name} for ${formatDuration(maxWaitMs)}; try again later`;
      throw new CacheError("cache-busy", message, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  #lockState(name: string): Promise<AsyncDisposable> {
    return this.#locks.acquire(`state-${name}`);
  }

  /** Undefined if there is no cache to lease. The scope gives the lease back. */
  async #tryLease(folder: CacheFolder, scope: Scope): Promise<Generation | undefined> {
    await using _lock = await this.#lockState(folder.name);
    const generation = await folder.read();
    if (generation === undefined) return undefined;
    const lease = await folder.addLease(generation);
    scope.defer(async () => {
      await using _again = await this.#lockState(folder.name);
      await folder.removeLease(lease);
      await folder.collectGarbage();
    });
    return generation;
  }

  async #make(folder: CacheFolder, { sizeBytes, preload, signal, note }: AcquireCacheOptions): Promise<void> {
    const size = cacheSize(sizeBytes);
    await using _making = await this.#locks.acquire(`make-${folder.name}`, { signal });
    if ((await folder.read()) !== undefined) return;
    await using staging = await this.#layout.makeStaging();
    const file = join(staging.path, "base.raw");
    let contents: string | undefined;
    if (preload !== undefined) {
      note?.(`preloading the cache ${folder.name}`);
      contents = join(staging.path, "contents");
      await unpackPreload(preload, contents, { maxBytes: size, signal });
    }
    await makeFileSystem(file, { sizeBytes: size, contents, signal });
    await syncFile(file);
    await using _lock = await this.#lockState(folder.name);
    const facts = { sizeBytes: size, created: new Date().toISOString(), isEmpty: contents === undefined };
    await folder.publish({ path: file, format: "raw" }, [], facts);
  }

  async #forget(name: string): Promise<boolean> {
    const folder = new CacheFolder(this.#layout, name);
    await using _lock = await this.#lockState(name);
    const isThere = (await folder.read()) !== undefined;
    await folder.forget();
    await folder.collectGarbage();
    return isThere;
  }

  async #describe(name: string): Promise<CacheInfo | undefined> {
    const folder = new CacheFolder(this.#layout, name);
    const generation = await folder.read();
    if (generation === undefined) return undefined;
    const created = new Date(generation.created);
    return {
      ...{ name, created, sizeBytes: generation.sizeBytes },
      diskBytes: await folder.diskBytes(),
      lastUsed: (await folder.lastUsed()) ?? created,
      users: (await folder.liveLeases()).length,
    };
  }

  /** Resolves with how many unfinished things were removed. */
  async #reclaim(): Promise<number> {
    let removed = 0;
    for (const own of await this.#layout.names("staging")) {
      if (!(await isAbandoned(own))) continue;
      await rm(this.#layout.path("staging", own), { recursive: true, force: true });
      removed++;
    }
    for (const name of await this.#layout.names("locks")) await this.#locks.reclaim(name);
    for (const name of await this.#layout.names("names")) {
      await using _lock = await this.#lockState(name);
      await new CacheFolder(this.#layout, name).collectGarbage();
    }
    return removed;
  }
}
