/**
 * Locks between processes that share a folder.
 *
 * A lock is a symbolic link whose target names its owner: it comes into being with its contents, in one step. A lock
 * whose owner is dead is taken over. Several processes may notice that at once, so the one that removes the link
 * must first hold a second lock, named after this very owner; what it then finds unchanged is safe to remove.
 */
import { readlink, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { orAborted } from "../base/abort.ts";
import { codeOf } from "../base/errors.ts";
import { isAbandoned, makeOwnedName, ownerOfName } from "./owned-name.ts";
import { isAlive, type Owner } from "./owner.ts";

const POLL_MS = 25;

export class FileLocks {
  readonly #directory: string;
  /** Callers of this process wait for each other here and leave the polling to the first of them. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Waits for the lock; dispose it to give it back. @throws `signal.reason`. */
  async acquire(name: string, options: { signal?: AbortSignal | undefined } = {}): Promise<AsyncDisposable> {
    const before = this.#queues.get(name);
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    const queue = Promise.allSettled([before, promise]);
    this.#queues.set(name, queue);
    void queue.then(() => {
      if (this.#queues.get(name) === queue) this.#queues.delete(name);
    });
    try {
      await orAborted(Promise.resolve(before), options.signal);
      const release = await this.#poll(join(this.#directory, name), options.signal);
      let released: Promise<void> | undefined;
      return {
        [Symbol.asyncDispose]: () => {
          released ??= release().finally(leave);
          return released;
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The lock, or undefined if somebody alive has it: another process, or another part of this one. */
  async tryAcquire(name: string): Promise<AsyncDisposable | undefined> {
    if (this.#queues.has(name)) return undefined;
    const release = await tryLock(join(this.#directory, name));
    if (release === undefined) return undefined;
    let released: Promise<void> | undefined;
    return {
      [Symbol.asyncDispose]: () => {
        released ??= release();
        return released;
      },
    };
  }

  /** Who has the lock; undefined if nobody alive does. */
  async holder(name: string): Promise<Owner | undefined> {
    const holder = await tryReadLink(join(this.#directory, name));
    const owner = holder === undefined ? undefined : ownerOfName(holder);
    return owner !== undefined && (await isAlive(owner)) ? owner : undefined;
  }

  /** Removes the lock if its owner is dead. */
  async reclaim(name: string): Promise<void> {
    const release = await tryLock(join(this.#directory, name));
    await release?.();
  }

  async #poll(path: string, signal: AbortSignal | undefined): Promise<() => Promise<void>> {
    for (;;) {
      signal?.throwIfAborted();
      const release = await tryLock(path);
      if (release !== undefined) return release;
      await orAborted(delay(POLL_MS), signal);
    }
  }
}

/** The function that gives the lock back, or undefined if somebody alive has it. */
async function tryLock(path: string): Promise<(() => Promise<void>) | undefined> {
  if (await tryLink(path)) return () => unlink(path);
  const holder = await tryReadLink(path);
  if (holder === undefined || !(await isAbandoned(holder))) return undefined;

  const releaseGuard = await tryLock(`${path}.${holder.slice(holder.lastIndexOf("_") + 1)}`);
  if (releaseGuard === undefined) return undefined;
  try {
    if ((await tryReadLink(path)) === holder) await unlink(path);
    return (await tryLink(path)) ? () => unlink(path) : undefined;
  } finally {
    await releaseGuard();
  }
}

async function tryLink(path: string): Promise<boolean> {
  try {
    await symlink(await makeOwnedName(), path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function tryReadLink(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
