import { execFileSync } from "node:child_process";
import { appendFile, readdir, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ImageLease } from "../../../src/image/store/image-lease.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import type { ImageSnapshots, Snapshot } from "../../../src/image/store/snapshots.ts";
import { ArchiveFolder } from "./archives.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());
const archive = folder.packImage(folder.makeImage());

let count = 0;
let directory: string;
let store: ImageStore;
let lease: ImageLease;
let snapshots: ImageSnapshots;

beforeEach(async () => {
  directory = join(folder.path, `snapshots-${count++}`);
  store = await ImageStore.open({ directory, limits: { reserveBytes: 0 } });
  await store.import(archive, { tag: "image" });
  lease = await store.acquire("image");
  ({ snapshots } = lease);
});

afterEach(async () => {
  await lease[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  for (const name of ["staging", "locks"]) expect(await readdir(join(directory, name))).toEqual([]);
});

const KEY = "a".repeat(64);

async function make(key = KEY): Promise<Snapshot> {
  await using draft = await snapshots.begin(key);
  for (const file of Object.values(draft.files)) await writeFile(file, `the ${file}`);
  return await draft.publish(`machine ${key.slice(0, 1)}`);
}

describe("a snapshot in the store", () => {
  it("is found by its key when it is published, and not before", async () => {
    await using draft = await snapshots.begin(KEY);
    for (const file of Object.values(draft.files)) await writeFile(file, "x");
    expect(await snapshots.find(KEY)).toBeUndefined();
    const made = await draft.publish("a machine");
    expect(await snapshots.find(KEY)).toEqual(made);
    expect(made).toMatchObject({ kind: "snapshot", title: "a machine", proven: false });
    expect(await snapshots.find("b".repeat(64))).toBeUndefined();
  });

  it("is nothing if its maker gives up", async () => {
    {
      await using draft = await snapshots.begin(KEY);
      await writeFile(draft.files.memory, "x");
    }
    expect(await snapshots.find(KEY)).toBeUndefined();
  });

  it("is proven by its first use", async () => {
    const made = await make();
    await snapshots.noteUse(made);
    expect(await snapshots.find(KEY)).toMatchObject({ id: made.id, proven: true });
  });

  it.each(["memory", "state", "disk.qcow2"] as const)("is damaged when its %s has changed", async (name) => {
    const made = await make();
    await appendFile(made.files[name], "more");
    expect(await snapshots.find(KEY)).toMatchObject({
      kind: "damaged",
      id: made.id,
      why: `its file ${name} was changed`,
    });
    await truncate(made.files[name], 1);
    expect(await snapshots.find(KEY)).toMatchObject({ kind: "damaged" });
  });

  it("is damaged when its memory was written to in place", async () => {
    const made = await make();
    const later = new Date(Date.now() + 5_000);
    await utimes(made.files.memory, later, later);
    expect(await snapshots.find(KEY)).toMatchObject({ kind: "damaged" });
  });

  it("is removed only if it is the one that was meant", async () => {
    const old = await make();
    const replaced = await make();
    await snapshots.remove(old);
    expect(await snapshots.find(KEY)).toMatchObject({ id: replaced.id });
    await snapshots.remove(replaced);
    expect(await snapshots.find(KEY)).toBeUndefined();
  });

  it("is the disk that overlays lie on", async () => {
    const made = await make();
    const { diskFile } = await lease.createOverlay(folder.path, made);
    const info = JSON.parse(execFileSync("qemu-img", ["info", "--output=json", diskFile], { encoding: "utf8" }));
    expect(info).toMatchObject({
      "full-backing-filename": made.files["disk.qcow2"],
      "backing-filename-format": "qcow2",
    });
  });

  it("gives way to newer ones, the least recently used first", async () => {
    const keys = "abcdefghij".split("").map((letter) => letter.repeat(64));
    for (const [index, key] of keys.entries()) {
      const made = await make(key);
      await snapshots.noteUse(made);
      const time = new Date(1_700_000_000_000 + (key === keys[0] ? 100 : index) * 1_000);
      await utimes(join(directory, "snapshots", lease.image.digest.slice(7), key, "last-used"), time, time);
    }
    const left = (await snapshots.list()).map(({ key }) => key);
    expect(left).toHaveLength(8);
    expect(left).toContain(keys[0]);
    expect(left).not.toContain(keys[1]);
  });
});

describe("a refusal", () => {
  it("says why, for good or for a time", async () => {
    await snapshots.refuse(KEY, "a machine", "it has a device that cannot be saved", undefined);
    expect(await snapshots.find(KEY)).toMatchObject({ kind: "refusal", why: "it has a device that cannot be saved" });
    await snapshots.refuse(KEY, "a machine", "the host had no room", new Date(Date.now() + 60_000));
    expect(await snapshots.find(KEY)).toMatchObject({ kind: "refusal", why: "the host had no room" });
    await snapshots.refuse(KEY, "a machine", "the host had no room", new Date(Date.now() - 1));
    expect(await snapshots.find(KEY)).toBeUndefined();
  });

  it("is replaced by a snapshot", async () => {
    await snapshots.refuse(KEY, "a machine", "for now", new Date(Date.now() - 1));
    await make();
    expect(await snapshots.find(KEY)).toMatchObject({ kind: "snapshot" });
  });
});

it("a refusal displaces no snapshot", async () => {
  for (const letter of "abcdefgh") await make(letter.repeat(64));
  await snapshots.refuse("9".repeat(64), "a machine", "it cannot be", undefined);
  const kinds = (await snapshots.list()).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "snapshot")).toHaveLength(8);
  expect(kinds).toHaveLength(9);
});

it.each(["null", "[]", '{"version":1,"id":"x","title":"t","created":"2026-01-01","files":{}}'])(
  "a record such as %s is damage, and keeps nobody from making another snapshot",
  async (text) => {
    const made = await make();
    await writeFile(join(made.files.memory, "../record.json"), text);
    expect(await snapshots.find(KEY)).toMatchObject({ kind: "damaged" });
    await make("b".repeat(64));
    expect(await snapshots.list()).toHaveLength(2);
  },
);

it("a record nobody can read is damage", async () => {
  const made = await make();
  await writeFile(join(made.files.memory, "../record.json"), "not JSON");
  expect(await snapshots.find(KEY)).toMatchObject({ kind: "damaged", id: undefined, why: "its record cannot be read" });
});

it("an image that is in use keeps its snapshots, and takes them with it", async () => {
  await make();
  await expect(store.remove("image")).rejects.toThrow("cannot be removed while a machine uses it");
  expect(await snapshots.list()).toHaveLength(1);
  await lease[Symbol.asyncDispose]();
  await store.remove("image");
  expect(await readdir(join(directory, "snapshots"))).toEqual([]);
});
