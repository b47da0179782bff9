/** Many tasks want an image that is not here yet. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { acquireImage } from "../../../src/image/source/acquire.ts";
import { EVERY_SOURCE } from "../../../src/image/source/policy.ts";
import type { ImageSpec } from "../../../src/image/source/spec.ts";
import type { ImageLease } from "../../../src/image/store/image-lease.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { ArchiveFolder, MIB, sha256Of } from "./archives.ts";
import { CountingZstd } from "./counting-zstd.ts";
import { GatedServer } from "./gated-server.ts";

const TASKS = 20;
/** More than the sockets of a connection hold that nobody reads: such a download does not count as one. */
const NOISE_BYTES = 16 * MIB;

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());
const imageDirectory = folder.makeImage();
writeFileSync(join(imageDirectory, "initrd"), randomBytes(NOISE_BYTES));
const archive = folder.pack(imageDirectory, ["--format=posix", "-S", "machine.json", "disk.img", "initrd"]);
const bytes = readFileSync(archive);
const sha256 = sha256Of(archive);

let count = 0;
let directory: string;
let zstd: CountingZstd;
beforeEach(() => {
  directory = join(folder.path, `store-${count++}`);
  zstd = new CountingZstd();
});

async function openStore(): Promise<ImageStore> {
  return await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd });
}

/** Begins so many tasks, and resolves when each of them has seen that its image comes. */
async function beginTasks(store: ImageStore, server: GatedServer, spec: ImageSpec) {
  const controllers = Array.from({ length: TASKS }, () => new AbortController());
  const waiting = new Set(controllers);
  const tasks = controllers.map((controller) =>
    acquireImage(store, spec, {
      policy: EVERY_SOURCE,
      signal: controller.signal,
      onProgress: () => waiting.delete(controller),
    }),
  );
  const settled = Promise.allSettled(tasks);
  while (waiting.size > 0) {
    server.advance();
    await nextTurn();
  }
  return { first: controllers[0] as AbortController, settled };
}

async function digestsOf(results: readonly PromiseSettledResult<ImageLease>[]): Promise<string[]> {
  const digests = results.flatMap((result) => (result.status === "fulfilled" ? [result.value.image.digest] : []));
  for (const result of results) if (result.status === "fulfilled") await result.value[Symbol.asyncDispose]();
  return digests;
}

function leftovers(): string[] {
  return ["staging", "locks"].flatMap((name) => readdirSync(join(directory, name)));
}

describe.each([
  ["a URL", ({ url }: GatedServer): ImageSpec => url],
  ["a URL with its digest", ({ url }: GatedServer): ImageSpec => ({ url, sha256 })],
])(`${TASKS} tasks that name an image by %s at once`, (_, specOf) => {
  it("cause one download and one extraction", async () => {
    await using server = await GatedServer.start(bytes);
    await using store = await openStore();
    const { settled } = await beginTasks(store, server, specOf(server));
    server.open();
    expect(await digestsOf(await settled)).toEqual(Array(TASKS).fill(`sha256:${sha256}`));
    expect({ unpacked: zstd.unpacked, downloads: server.downloads }).toEqual({ unpacked: 1, downloads: 1 });
    expect(leftovers()).toEqual([]);
  });

  it("are not harmed when the first of them is cancelled", async () => {
    await using server = await GatedServer.start(bytes);
    await using store = await openStore();
    const { first, settled } = await beginTasks(store, server, specOf(server));
    first.abort(new Error("canceled"));
    server.advance();
    server.open();
    const results = await settled;
    expect(results[0]).toMatchObject({ status: "rejected", reason: { message: "canceled" } });
    expect(await digestsOf(results)).toEqual(Array(TASKS - 1).fill(`sha256:${sha256}`));
    expect({ unpacked: zstd.unpacked, downloads: server.downloads }).toEqual({ unpacked: 1, downloads: 1 });
  });

  it("are all told of a failure, which the next task does not inherit", async () => {
    const damaged = Buffer.from(bytes);
    damaged.fill(0, NOISE_BYTES / 2, NOISE_BYTES / 2 + 1_000);
    await using server = await GatedServer.start(bytes);
    await using store = await openStore();
    const { settled } = await beginTasks(store, server, specOf(server));
    server.open(damaged);
    const results = await settled;
    expect(results.map((result) => result.status === "rejected" && result.reason.code)).toEqual(
      Array(TASKS).fill("zstd-corrupt"),
    );
    expect(new Set(results.map((result) => result.status === "rejected" && result.reason)).size).toBe(1);
    expect([...leftovers(), ...(await store.list())]).toEqual([]);
    server.open(bytes);
    await using lease = await acquireImage(store, specOf(server), { policy: EVERY_SOURCE });
    expect(lease.image.digest).toBe(`sha256:${sha256}`);
  });
});

it("a server that never gets done holds up nobody who has the same image from elsewhere", async () => {
  await using slow = await GatedServer.start(bytes);
  await using server = await GatedServer.start(bytes);
  server.open();
  await using store = await openStore();
  const cancelled = new AbortController();
  const { promise: hasBegun, resolve: begun } = Promise.withResolvers<void>();
  const options = { policy: EVERY_SOURCE, signal: cancelled.signal, onProgress: () => begun() };
  const stuck = acquireImage(store, { url: slow.url, sha256 }, options).catch((error: unknown) => error);
  const dripping = setInterval(() => slow.advance(), 10);
  await hasBegun;
  await using lease = await acquireImage(store, { url: server.url, sha256 }, { policy: EVERY_SOURCE });
  clearInterval(dripping);
  expect(lease.image.digest).toBe(`sha256:${sha256}`);
  cancelled.abort(new Error("canceled"));
  expect(await stuck).toMatchObject({ message: "canceled" });
  expect(leftovers()).toEqual([]);
});

it("two processes with ten tasks each cause one download and one extraction", async () => {
  await using server = await GatedServer.start(bytes);
  const script = join(import.meta.dirname, "acquiring-process.ts");
  const processes = ["one", "two"].map(() => {
    const args = [script, directory, server.url, String(TASKS / 2)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  for (const { lines } of processes) expect((await lines.next()).value).toBe("asking");
  server.open();
  const results = await Promise.all(
    processes.map(async ({ child, lines }) => {
      const { value } = await lines.next();
      if (child.exitCode === null) await once(child, "exit");
      return JSON.parse(value as string) as { digests: string[]; unpacked: number };
    }),
  );
  expect(results.flatMap(({ digests }) => digests)).toEqual(Array(TASKS).fill(`sha256:${sha256}`));
  expect(results.map(({ unpacked }) => unpacked).sort()).toEqual([0, 1]);
  expect(server.downloads).toBe(1);
  expect(leftovers()).toEqual([]);
});
