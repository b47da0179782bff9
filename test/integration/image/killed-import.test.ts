/** Processes that import are killed at any instant: what they leave is no image that is not whole, and no waste. */
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { ArchiveFolder, MIB, sha256Of } from "./archives.ts";
import { makeChild, makeRoot } from "./chains.ts";

const KILLS = 50;
/** At the same time, each in a store of its own: most of it is the start of processes. */
const STORES = 3;

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());
const noise = randomBytes(2 * MIB).toString("latin1");
const parent = makeRoot(folder);
const child = makeChild(folder, parent, { pattern: 2, kernel: noise });
const archives = new Map([parent, child].map((archive) => [archive.digest as string, archive]));

/** Runs the program until it has begun. */
async function begin(directory: string) {
  const script = join(import.meta.dirname, "churning-process.ts");
  const args = [script, directory, child.archive, parent.archive];
  // Else most of the test is the same programs being compiled.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder.path, "compiled") };
  const process_ = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env });
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("begins");
  const kill = async () => {
    const exit = once(process_, "exit");
    process_.kill("SIGKILL");
    await exit;
  };
  return { lines, kill };
}

/** Paths of all that is no folder; links are not followed. */
function filesOf(directory: string, below = ""): string[] {
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? filesOf(directory, path) : [path];
  });
}

function diskBytes(directory: string): number {
  return filesOf(directory).reduce((sum, file) => sum + lstatSync(join(directory, file)).blocks * 512, 0);
}

/** Throws unless there are whole images in the store, and nothing but these. @returns how many. */
async function check(store: ImageStore, directory: string): Promise<number> {
  const images = await store.list();
  const expected: string[] = [];
  for (const { digest, files, parent } of images) {
    const { directory: original, archive, sha256 } = archives.get(digest) ?? expect.fail(`${digest} is unknown`);
    for (const [name, file] of Object.entries(files)) {
      expect(readFileSync(file).equals(readFileSync(join(original, name))), name).toBe(true);
      expected.push(`blobs/${sha256}/${name}`);
    }
    expect(Object.keys(files)).toHaveLength(digest === child.digest ? 4 : 3);
    expected.push(`blobs/${sha256}/record.json`, `blobs/${sha256}/last-used`);
    if (parent !== undefined) expected.push(`blobs/${sha256}/parent`);
    const kept = await store.archiveFile(digest);
    if (kept !== undefined) {
      expect(sha256Of(kept)).toBe(sha256Of(archive));
      expected.push(`archives/${sha256}.tar.zst`);
    }
    // Through all that it lies on.
    await using _lease = await store.acquire(digest);
  }
  const others = filesOf(directory).filter((file) => !expected.includes(file));
  // Small: what is known of sources of images that are here, and the name.
  expect(others.filter((file) => !/^(sources\/[0-9a-f]{64}|tags\/child)$/.test(file))).toEqual([]);
  const sizes = images.map(({ sizes }) => sizes.diskBytes + sizes.keptArchiveBytes);
  const overhead = diskBytes(directory) - sizes.reduce((sum, size) => sum + size, 0);
  expect(overhead).toBeLessThan(64 * 1_024);
  return images.length;
}

it(`leaves whole images and nothing else, killed at ${KILLS} instants`, { timeout: 180_000 }, async () => {
  const seed = Number(process.env["BOXCAR_TEST_SEED"] ?? randomInt(2 ** 31));
  const random = generator(seed);
  const found = { images: 0, staging: 0, nothing: 0 };
  const worker = async (index: number) => {
    const directory = join(folder.path, `killed-${index}`);
    const first = await begin(directory);
    const roundMs = Number((await first.lines.next()).value);
    await first.kill();
    for (let kill = index; kill < KILLS; kill += STORES) {
      const running = await begin(directory);
      await delay(random() * roundMs);
      await running.kill();
      if (readdirSync(join(directory, "staging")).length > 0) found.staging++;
      await using store = await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd: new BinaryZstd() });
      const images = await check(store, directory);
      if (images > 0) found.images++;
      else found.nothing++;
      // So that the next one does the whole of it.
      for (const { digest } of await store.list()) {
        if (digest === child.digest) await store.remove(digest);
      }
      for (const { digest } of await store.list()) await store.remove(digest);
      expect(filesOf(directory).filter((file) => !file.startsWith("sources/"))).toEqual([]);
    }
  };
  for (const result of await Promise.allSettled(Array.from({ length: STORES }, (_, index) => worker(index)))) {
    if (result.status === "fulfilled") continue;
    throw new Error(`with BOXCAR_TEST_SEED=${seed}: ${String(result.reason)}`, { cause: result.reason });
  }
  // Not all of them came too early or too late.
  expect(found.staging).toBeGreaterThan(KILLS / 10);
});

it("removes at the next start what a removal, or an import, has left half-way", async () => {
  const directory = join(folder.path, "half-way");
  const options = { directory, limits: { reserveBytes: 0 }, zstd: new BinaryZstd() };
  {
    await using store = await ImageStore.open(options);
    await store.import(parent.archive, { keepArchive: true });
  }
  const dead = "f".repeat(64);
  writeFileSync(join(directory, "archives", `${dead}.tar.zst`), "of an image that was removed");
  writeFileSync(join(directory, "signatures", `${dead}.json`), "{}");
  writeFileSync(join(directory, "signatures", `${parent.sha256}.json`), "{}");
  writeFileSync(join(directory, "archives", "README"), "somebody's");
  await using store = await ImageStore.open(options);
  expect(readdirSync(join(directory, "archives")).sort()).toEqual([`${parent.sha256}.tar.zst`, "README"].sort());
  expect(readdirSync(join(directory, "signatures"))).toEqual([`${parent.sha256}.json`]);
  await store.remove(parent.digest);
  expect(readdirSync(join(directory, "signatures"))).toEqual([]);
  rmSync(directory, { recursive: true });
});

/** Numbers from 0 to 1. @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
function generator(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & (2n ** 64n - 1n);
    return Number(state >> 11n) / 2 ** 53;
  };
}
