/**
 * The caches of one run, as disks of its machine.
 *
 *   acquired ──▶ put into the machine, mounted ──▶ unmounted, taken out ──▶ committed, or thrown away
 *
 * *Owns* the leases. Whatever becomes of the run, others find the cache as it was, or as this one has left it.
 */
import { join } from "node:path";
import { codeOf, messageOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { CacheLease } from "../../cache/cache-lease.ts";
import { CacheStore } from "../../cache/cache-store.ts";
import { diskSerial } from "../../vm/data-disks.ts";
import type { ActiveFeature, RunContext, TaskMachine } from "../feature.ts";
import { purgesCaches } from "../on-exit-status/request.ts";
import type { Outcome } from "../outcome.ts";
import { fetchPreload } from "./preload.ts";
import { type CacheRequest, inLockingOrder, isSaved } from "./request.ts";

interface HeldCache {
  readonly request: CacheRequest;
  readonly lease: CacheLease;
  /** The place it is in. */
  slot: number | undefined;
  /** Whether all that the guest wrote is in the file. */
  isClean: boolean;
}

export class ActiveCaches implements ActiveFeature {
  /** Places that its machine needs. */
  readonly disks: number;
  readonly #run: RunContext;
  readonly #scope = new Scope();
  #store: CacheStore | undefined;
  readonly #held: HeldCache[] = [];
  #preparation: Promise<void> | undefined;

  constructor(run: RunContext) {
    this.#run = run;
    this.disks = run.payload.caches.length;
  }

  prepare(): Promise<void> {
    this.#preparation = this.#acquireAll();
    return this.#preparation;
  }

  async #acquireAll(): Promise<void> {
    const { config, payload } = this.#run;
    this.#store = await CacheStore.open({ directory: join(config.stateDir, "caches") });
    for (const request of inLockingOrder(payload.caches)) {
      const lease = this.#scope.use(await this.#acquire(this.#store, request));
      this.#held.push({ request, lease, slot: undefined, isClean: false });
    }
  }

  async #acquire(store: CacheStore, { name, mode, sizeBytes, preload }: CacheRequest): Promise<CacheLease> {
    const { config, note, signal } = this.#run;
    const options = { mode, sizeBytes, note, signal, maxWaitMs: config.features.caches.waitMs };
    const isThere = preload === undefined || (await store.list()).some((cache) => cache.name === name);
    if (isThere) return await store.acquire(name, options);
    await using archive = await fetchPreload(preload, `the cache ${name}`, this.#run);
    return await store.acquire(name, { ...options, preload: archive.path });
  }

  async furnish({ guest, vm }: TaskMachine): Promise<void> {
    const { note, payload, signal } = this.#run;
    const { user } = payload;
    // One below another comes after it, or it would be hidden.
    const byDepth = [...this.#held].sort((a, b) => a.request.path.length - b.request.path.length);
    for (const held of byDepth) {
      const { request, lease } = held;
      const slot = freeSlot(vm.dataDisks);
      await vm.insertDisk(slot, lease.disk);
      held.slot = slot;
      const { path, mode } = request;
      const place = { serial: diskSerial(slot), sizeBytes: lease.disk.sizeBytes, path, readOnly: mode === "shared" };
      await guest.mount({ ...place, owner: user }, { signal });
      note(
        `the cache ${request.name} is at ${path}${lease.isEmpty ? ", empty" : ""}${mode === "shared" ? ", to read" : ""}`,
      );
    }
  }

  /** What cannot be kept is no reason to fail a task: the next one fills the cache again. */
  async collect({ guest, vm }: TaskMachine, outcome: Outcome): Promise<readonly string[]> {
    for (const held of this.#held) {
      const { slot } = held;
      if (slot === undefined || !isSaved(held.request, outcome)) continue;
      try {
        const { clean } = await guest.unmount(diskSerial(slot), { signal: this.#run.signal });
        await vm.ejectDisk(slot);
        held.isClean = clean;
        if (!clean)
          this.#run.note(
            `warning: the cache ${held.request.name} is not kept: the file system in it is damaged, or hidden from the agent`,
          );
      } catch (error) {
        this.#run.signal.throwIfAborted();
        this.#run.note(`warning: the cache ${held.request.name} is not kept: ${messageOf(error)}`);
      }
    }
    return [];
  }

  async finish(outcome: Outcome): Promise<void> {
    const { note, payload } = this.#run;
    if (purgesCaches(outcome, payload.onExitStatus)) {
      await this.#purge();
      return;
    }
    for (const { request, lease, isClean } of this.#held) {
      if (!isClean || !isSaved(request, outcome)) continue;
      try {
        const kept = await lease.commit({ signal: this.#run.signal });
        note(
          kept === "kept"
            ? `the cache ${request.name} is kept`
            : `the cache ${request.name} was purged meanwhile, and is not kept`,
        );
      } catch (error) {
        this.#run.signal.throwIfAborted();
        note(`warning: the cache ${request.name} is not kept: ${messageOf(error)}`);
      }
    }
  }

  async #purge(): Promise<void> {
    for (const { request } of this.#held) {
      try {
        await this.#store?.purge(request.name);
      } catch (error) {
        // Somebody was faster.
        if (codeOf(error) !== "cache-not-found") throw error;
      }
      this.#run.note(`the cache ${request.name} is thrown away, as the task has it for this exit code`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Who cancels does not wait for it, and what it gets then has to be given back too.
    await this.#preparation?.catch(() => {});
    await this.#scope[Symbol.asyncDispose]();
  }
}

/** A machine that goes on from a checkpoint has the disks that were in it. */
function freeSlot(taken: ReadonlyMap<number, unknown>): number {
  let slot = 0;
  while (taken.has(slot)) slot++;
  return slot;
}
