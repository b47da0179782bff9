import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CacheStore } from "../../../src/cache/cache-store.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import type { SavedMachine } from "../../../src/snapshot/saved-machine.ts";
import { collectGarbage } from "../../../src/worker/collect-garbage.ts";
import { ArchiveFolder } from "../image/archives.ts";

let directory: string;
let images: ImageStore;
let caches: CacheStore;
let expired: SavedMachine[];
let logged: string[];
let inputsLeft: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-gc-"));
  images = await ImageStore.open({ directory: join(directory, "images") });
  caches = await CacheStore.open({ directory: join(directory, "caches") });
  logged = [];
  expired = [];
  inputsLeft = 100;
});

afterEach(async () => {
  await images[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** @param free What the disk has, each time it is looked at; the last one from then on. */
function collect(free: (number | Error)[], maxCacheBytes?: number, now = new Date()) {
  return collectGarbage({
    ...{ images, caches, stateDir: directory, runsFolder: join(directory, "runs") },
    inputs: {
      trim: async (maxBytes) => {
        const removed = inputsLeft - maxBytes;
        inputsLeft = maxBytes;
        return removed;
      },
    },
    snapshots: { removeExpired: async () => expired.splice(0) },
    isRunning: (taskId) => taskId === "running",
    settings: { minFreeDiskBytes: 1_000, maxCacheBytes },
    logger: { log: (_level, message) => void logged.push(message) },
    freeBytes: async () => {
      const bytes = (free.length > 1 ? free.shift() : free[0]) as number | Error;
      if (bytes instanceof Error) throw bytes;
      return bytes;
    },
    now: () => now,
  });
}

async function makeCache(name: string): Promise<void> {
  await (await caches.acquire(name, { mode: "shared", sizeBytes: 16 * 1_048_576 }))[Symbol.asyncDispose]();
}

describe("the collection of garbage", () => {
  it("removes saved machines whose time is over", async () => {
    const saved = (source: object) => ({ kind: "machine", id: "0123456789ab", record: { source } }) as SavedMachine;
    const task = { taskId: "t", runId: 1 };
    expired = [
      saved({ task }),
      saved({ task: { ...task, checkpoint: "built" } }),
      saved({ vm: { id: "ba9876543210" } }),
    ];
    await collect([1_000]);
    expect(logged).toEqual([
      "removed the failed machine of t/1, the checkpoint built of t/1, the snapshot 0123456789ab",
    ]);
  });

  it("removes nothing where there is room", async () => {
    await makeCache("a");
    await collect([1_000]);
    expect([await caches.list(), inputsLeft, logged]).toMatchObject([[{ name: "a" }], 100, []]);
  });

  it("keeps caches below their budget, whatever room there is", async () => {
    await makeCache("old");
    await makeCache("new");
    const diskBytes = (await caches.list())[0]?.diskBytes;
    await collect([1_000], diskBytes);
    expect((await caches.list()).map(({ name }) => name)).toEqual(["new"]);
    expect(logged).toEqual(["removed the cache old"]);
  });

  it("removes what can be had again where the disk is full: inputs, images without a name, caches", async () => {
    await makeCache("a");
    using folder = new ArchiveFolder();
    await images.import(folder.packImage(folder.makeImage()), { tag: "named" });
    const other = folder.makeImage({ machine: { version: 2, memory: 512 } });
    const { digest } = await images.import(folder.packImage(other));
    await collect([10]);
    expect(inputsLeft).toBe(0);
    expect((await images.list()).map(({ tags }) => tags)).toEqual([["named"]]);
    expect(await caches.list()).toEqual([]);
    expect(logged).toEqual([`removed the inputs of tasks, the image ${digest.slice(0, 19)}, the cache a`]);
  });

  it("stops when there is room enough", async () => {
    await makeCache("a");
    await collect([10, 1_000]);
    expect(inputsLeft).toBe(0);
    expect(await caches.list()).toHaveLength(1);
  });

  it("leaves an image that is in use", async () => {
    using folder = new ArchiveFolder();
    const { digest } = await images.import(folder.packImage(folder.makeImage()));
    await using _lease = await images.acquire(digest);
    await collect([10]);
    expect(await images.list()).toHaveLength(1);
  });

  it("removes the logs of runs that were lost a week ago, and none of a run that goes on", async () => {
    for (const run of ["lost/0", "lost/1", "running/0", "elsewhere/0"]) {
      await mkdir(join(directory, "runs", run), { recursive: true });
      await writeFile(join(directory, "runs", run, "task.log"), "log");
    }
    const now = new Date();
    const longAgo = new Date(now.getTime() - 8 * 86_400_000);
    for (const run of ["lost/0", "running/0", "elsewhere/0", "lost/0/task.log", "running/0/task.log"]) {
      await utimes(join(directory, "runs", run), longAgo, longAgo);
    }
    await collect([1_000], undefined, now);
    expect((await readdir(join(directory, "runs"))).sort()).toEqual(["elsewhere", "lost", "running"]);
    expect(await readdir(join(directory, "runs/lost"))).toEqual(["1"]);
  });

  it("removes the logs of lost runs earlier where the disk is full, the oldest first, and not those of today", async () => {
    const now = new Date();
    for (const [run, days] of [
      ["a", 3],
      ["b", 2],
      ["c", 4],
      ["d", 0],
    ] as const) {
      await mkdir(join(directory, "runs/lost", run), { recursive: true });
      const time = new Date(now.getTime() - days * 86_400_000);
      await utimes(join(directory, "runs/lost", run), time, time);
    }
    await collect([10, 10, 10, 10, 1_000], undefined, now);
    expect(logged).toEqual(["removed the inputs of tasks, the log of lost/c, the log of lost/a"]);
    await collect([10], undefined, now);
    expect(await readdir(join(directory, "runs/lost"))).toEqual(["d"]);
  });

  it("says so where the disk cannot be looked at, and is not the end of the worker", async () => {
    await collect([new Error("the disk does not answer")]);
    expect(logged[0]).toBe("inputs could not be collected: the disk does not answer");
  });

  it("goes on with the rest where one part of it fails", async () => {
    await makeCache("a");
    await writeFile(join(directory, "runs"), "no folder");
    await collect([10]);
    expect(logged[0]).toMatch(/^old logs could not be collected: .*ENOTDIR/);
    expect(await caches.list()).toEqual([]);
  });
});
