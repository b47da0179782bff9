import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findCheckpoint } from "../../../src/feature/checkpoints/find-checkpoint.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { exportSnapshot } from "../../../src/snapshot/archive/export.ts";
import { importSnapshot } from "../../../src/snapshot/archive/import.ts";
import { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import { type Base, DIGEST, facts, fill, makeBase, save } from "./saved-files.ts";

let top: string;
let base: Base;
let directory: string;
let store: SnapshotStore;
let pins: { reference: string; key: string; path: string }[];
let count = 0;
const zstd = new BinaryZstd();

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "bx-ss-"));
  base = await makeBase(join(top, "disk.img"));
});

afterAll(() => rm(top, { recursive: true }));

beforeEach(async () => {
  directory = join(top, `store-${count++}`);
  pins = [];
  store = await open();
});

afterEach(async () => {
  for (const name of ["staging", "locks"]) expect(await readdir(join(directory, name))).toEqual([]);
});

async function open(): Promise<SnapshotStore> {
  const images = {
    pin: async (reference: string, what: { key: string; path: string }) => void pins.push({ reference, ...what }),
  };
  return await SnapshotStore.open({ directory, images, reserveBytes: 0 });
}

const images = {
  acquire: async () => ({ image: base as never, [Symbol.asyncDispose]: async () => {} }),
};

describe("a store of saved machines", () => {
  it("has one when it is published, and not before, and keeps its image", async () => {
    await using draft = await store.begin();
    await fill(draft.directory, base);
    expect(await store.list()).toEqual([]);
    const saved = await draft.publish(facts({ name: "first" }), 2);
    expect(saved).toMatchObject({ kind: "machine", id: draft.id, record: { name: "first", layers: 2 } });
    const other = await open();
    for (const reference of ["first", draft.id, draft.id.slice(0, 3)])
      expect(await other.find(reference)).toEqual(saved);
    expect(pins).toEqual([{ reference: DIGEST, key: `snapshot-${saved.id}`, path: saved.directory }]);
    expect((await stat(directory)).mode & 0o077).toBe(0);
  });

  it("has nothing of one that was given up, or that lacks a file", async () => {
    {
      await using draft = await store.begin();
      await fill(draft.directory, base);
    }
    await using draft = await store.begin();
    await expect(draft.publish(facts(), 1)).rejects.toMatchObject({ code: "ENOENT" });
    expect(await store.list()).toEqual([]);
  });

  it("gives a name to one only", async () => {
    await save(store, base, { name: "mine" });
    await expect(save(await open(), base, { name: "mine" })).rejects.toMatchObject({ code: "snapshot-exists" });
    const results = await Promise.allSettled([1, 2, 3].map(async () => save(await open(), base, { name: "raced" })));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("has none whose name is as an id is, which would hide another one or never be found", async () => {
    const like = { code: "invalid-input", message: expect.stringContaining("looks like the id of a snapshot") };
    await expect(store.requirePublishable(facts({ name: "aaaa11112222" }))).rejects.toMatchObject(like);
    await expect(save(store, base, { name: "aaaa11112222" })).rejects.toMatchObject(like);
    await store.requirePublishable(facts({ name: "aaaa1111222" }));
  });

  it("does not remove one that somebody uses", async () => {
    const { id } = await save(store, base);
    {
      await using lease = await (await open()).acquire(id);
      expect(lease.saved.id).toBe(id);
      await expect(store.remove(id)).rejects.toMatchObject({ code: "snapshot-in-use" });
    }
    await store.remove(id);
    await expect(store.find(id)).rejects.toMatchObject({ code: "snapshot-not-found" });
    await expect(store.remove(id)).rejects.toMatchObject({ code: "snapshot-not-found" });
    expect(await readdir(join(directory, "leases"))).toEqual([]);
  });

  it.each(["memory", "state", "disk.0.qcow2", "disk.1.qcow2"])("shows that its %s has changed", async (name) => {
    const { id, directory: path } = await save(store, base);
    await appendFile(join(path, name), "more");
    expect(await store.find(id)).toMatchObject({ kind: "damaged", id, why: `its file ${name} was changed` });
    await expect(store.acquire(id)).rejects.toMatchObject({ code: "snapshot-damaged" });
    await store.remove(id);
    expect(await store.list()).toEqual([]);
  });

  it("shows records that nobody can read, and removes them", async () => {
    const { id, directory: path } = await save(store, base);
    await writeFile(join(path, "record.json"), "{");
    await mkdir(join(directory, "machines", "ffffffffffff"));
    expect((await store.list()).map((entry) => entry.kind)).toEqual(["damaged", "damaged"]);
    for (const one of [id, "ffffffffffff"]) expect(await store.remove(one)).toMatchObject({ kind: "damaged" });
  });

  it("removes what has expired and nobody uses", async () => {
    const past = new Date(Date.now() - 1_000).toISOString();
    const future = new Date(Date.now() + 3_600_000).toISOString();
    const old = await save(store, base, { expires: past });
    await save(store, base, { expires: future });
    await save(store, base);
    await expect(store.acquire(old.id)).rejects.toMatchObject({ code: "snapshot-not-found" });
    expect((await store.removeExpired()).map(({ id }) => id)).toEqual([old.id]);
    expect(await store.list()).toHaveLength(2);
  });

  it("makes room by dropping the oldest of a kind that nobody uses, or refuses", async () => {
    const task = { kind: "failed", source: { task: { taskId: "t", runId: 0 } } } as const;
    const at = (second: number) => ({ ...task, created: new Date(1_700_000_000_000 + second * 1_000).toISOString() });
    const vm = await save(store, base);
    const [first, second] = [await save(store, base, at(1)), await save(store, base, at(2))];
    const room = { maxCount: 2, whenFull: "drop-oldest" } as const;
    {
      await using _lease = await store.acquire(first.id);
      await save(store, base, at(3), room);
    }
    expect((await store.list()).map(({ id }) => id)).not.toContain(second.id);
    await expect(save(store, base, at(4), { ...room, whenFull: "refuse" })).rejects.toMatchObject({
      code: "snapshots-full",
    });
    await expect(save(store, base, at(5), { maxBytes: 1, whenFull: "drop-oldest" })).rejects.toMatchObject({
      code: "snapshots-full",
    });
    expect((await store.list()).map(({ id }) => id)).toEqual(expect.arrayContaining([vm.id, first.id]));
    await save(store, base, at(6), { maxBytes: first.diskBytes + 4_096, whenFull: "drop-oldest" });
    expect(await store.list()).toHaveLength(2);
  });
});

describe("an archive of a saved machine", () => {
  it("is a plain tar of plain files, and becomes the same machine again", async () => {
    const saved = await save(store, base, { name: "mine", config: { ports: [1] } });
    const file = join(directory, "out.tar.zst");
    await exportSnapshot(saved, file, { zstd });
    expect((await stat(file)).mode & 0o077).toBe(0);
    const unpacked = join(directory, "unpacked");
    await mkdir(unpacked);
    execFileSync("tar", ["--zstd", "-xf", file, "-C", unpacked]);
    expect((await readdir(unpacked)).sort()).toEqual([
      "disk.0.qcow2",
      "disk.1.qcow2",
      "memory",
      "snapshot.json",
      "state",
    ]);
    expect((await readFile(join(unpacked, "memory"))).equals(await readFile(join(saved.directory, "memory")))).toBe(
      true,
    );
    expect(JSON.parse(await readFile(join(unpacked, "snapshot.json"), "utf8"))).toMatchObject({
      version: 1,
      name: "mine",
    });
    await expect(importSnapshot(store, file, { zstd, images })).rejects.toMatchObject({ code: "snapshot-exists" });
    const again = await importSnapshot(store, file, { zstd, images, name: "again" });
    expect(again.id).not.toBe(saved.id);
    expect(again.record).toMatchObject({ config: { ports: [1] }, layers: 2, image: { digest: DIGEST } });
    for (const name of ["memory", "state", "disk.0.qcow2"]) {
      expect((await readFile(join(again.directory, name))).equals(await readFile(join(saved.directory, name)))).toBe(
        true,
      );
    }
    expect((await stat(join(again.directory, "memory"))).blocks * 512).toBeLessThan(1_048_576);
  });

  it("is never the checkpoint of a task on the host it is brought to, takes no room of those, and stays", async () => {
    const created = new Date(Date.now() - 3_600_000).toISOString();
    const source = { task: { taskId: "t", runId: 0, checkpoint: "built" } };
    const made = { kind: "checkpoint", created, source } as const;
    const expires = new Date(Date.now() - 1_000).toISOString();
    const saved = await save(store, base, { ...made, expires, config: { scope: "host" } });
    const file = join(directory, "out.tar.zst");
    await exportSnapshot(saved, file, { zstd });
    await store.remove(saved.id);
    const brought = await importSnapshot(store, file, { zstd, images });
    expect(brought.record).toMatchObject({ kind: "checkpoint", imported: true, source });
    expect([brought.record.config, brought.expires]).toEqual([undefined, undefined]);
    expect(await store.removeExpired()).toEqual([]);
    const wanted = { taskId: "t", checkpoint: "built" };
    expect(findCheckpoint(await store.list(), wanted, new Date())).toBeUndefined();
    const own = await save(store, base, made, { maxCount: 1, whenFull: "drop-oldest" });
    expect((await store.list()).map(({ id }) => id).sort()).toEqual([brought.id, own.id].sort());
    expect(findCheckpoint(await store.list(), wanted, new Date())?.id).toBe(own.id);
    // Also where it is exported once more.
    await exportSnapshot(brought, file, { zstd });
    expect((await importSnapshot(store, file, { zstd, images })).record.imported).toBe(true);
  });

  it.each<[string, (folder: string) => Promise<unknown>, string[] | undefined, RegExp]>([
    [
      "another file",
      (folder) => writeFile(join(folder, "evil"), "x"),
      ["snapshot.json", "evil"],
      /"evil", which its snapshot\.json does not name/,
    ],
    ["no manifest first", async () => {}, ["memory", "snapshot.json"], /begins with "memory"/],
    ["a file that is missing", async () => {}, ["snapshot.json", "memory"], /has no state/],
    ["a file twice", async () => {}, ["snapshot.json", "state", "state"], /twice/],
    [
      "a memory of another size",
      (folder) => appendFile(join(folder, "memory"), "x"),
      undefined,
      /bytes, and its snapshot\.json says/,
    ],
    ["another state", (folder) => writeFile(join(folder, "state"), "state of SECRET"), undefined, /another state/],
    [
      "a digest of its whole memory",
      (folder) =>
        rewrite(folder, (text) =>
          text.replace('"name": "memory",', `"name": "memory", "sha256": "${"0".repeat(64)}",`),
        ),
      undefined,
      /has a digest of memory/,
    ],
    [
      "a link",
      async (folder) => {
        await rm(join(folder, "state"));
        execFileSync("ln", ["-s", "/etc/passwd", join(folder, "state")]);
      },
      undefined,
      /no plain file/,
    ],
    [
      "a manifest that is none",
      (folder) => writeFile(join(folder, "snapshot.json"), "[]"),
      undefined,
      /snapshot\.json/,
    ],
    [
      "a name that leads outside",
      (folder) => rewrite(folder, (text) => text.replace('"state"', '"../state"')),
      undefined,
      /must be memory/,
    ],
    [
      "a version nobody knows",
      (folder) => rewrite(folder, (text) => text.replace('"version": 1,', '"version": 2,')),
      undefined,
      /version/,
    ],
    [
      "a disk on another file",
      (folder) => rebase(folder, "disk.0.qcow2", "/etc/passwd", "raw"),
      undefined,
      /lies on "\/etc\/passwd"/,
    ],
    [
      "a disk on the wrong layer",
      (folder) => rebase(folder, "disk.1.qcow2", "disk.1.qcow2", "qcow2"),
      undefined,
      /lies on "disk\.1\.qcow2"/,
    ],
    [
      "a disk that is none",
      async (folder) => {
        const { size } = await stat(join(folder, "disk.0.qcow2"));
        await writeFile(join(folder, "disk.0.qcow2"), Buffer.alloc(size, "x"));
      },
      undefined,
      /no qcow2/,
    ],
    [
      "a disk with a data file",
      async (folder) => {
        const file = join(folder, "disk.0.qcow2");
        const bytes = await readFile(file);
        bytes.writeBigUInt64BE(4n, 72);
        await writeFile(file, bytes);
      },
      undefined,
      /keeps its data in another file/,
    ],
  ])("is refused with %s, and nothing is left", async (_name, change, files, message) => {
    const saved = await save(store, base);
    const file = join(directory, "good.tar.zst");
    await exportSnapshot(saved, file, { zstd });
    await store.remove(saved.id);
    const folder = join(directory, "hostile");
    await mkdir(folder);
    execFileSync("tar", ["--zstd", "-xf", file, "-C", folder]);
    await change(folder);
    const names = files ?? ["snapshot.json", "state", "disk.0.qcow2", "disk.1.qcow2", "memory"];
    const bad = join(directory, "bad.tar.zst");
    execFileSync("tar", [
      "--zstd",
      "--sparse",
      "--format=pax",
      "--hard-dereference",
      "-cf",
      bad,
      "-C",
      folder,
      ...names,
    ]);
    await expect(importSnapshot(store, bad, { zstd, images })).rejects.toThrow(message);
    expect(await store.list()).toEqual([]);
  });

  it("is refused as soon as it is known that it cannot be kept under its name", async () => {
    const saved = await save(store, base, { name: "mine" });
    const file = join(directory, "good.tar.zst");
    await exportSnapshot(saved, file, { zstd });
    const begun = join(directory, "begun.tar.zst");
    execFileSync("sh", [
      "-c",
      'cd "$1" && tar --zstd -xf "$2" snapshot.json && tar --zstd -cf "$3" snapshot.json',
      "sh",
      directory,
      file,
      begun,
    ]);
    await expect(importSnapshot(store, begun, { zstd, images })).rejects.toMatchObject({ code: "snapshot-exists" });
    await expect(importSnapshot(store, begun, { zstd, images, name: "a b" })).rejects.toMatchObject({
      code: "invalid-input",
    });
    await expect(importSnapshot(store, begun, { zstd, images, name: "other" })).rejects.toThrow(/has no /);
  });

  it("is refused when it is cut off, is no archive, or its image is not here", async () => {
    const saved = await save(store, base);
    const file = join(directory, "good.tar.zst");
    await exportSnapshot(saved, file, { zstd });
    await store.remove(saved.id);
    const bytes = await readFile(file);
    async function* part(end: number) {
      yield bytes.subarray(0, end);
    }
    for (const end of [0, 10, bytes.length >> 1, bytes.length - 1]) {
      await expect(importSnapshot(store, part(end), { zstd, images })).rejects.toThrow();
    }
    const none = { acquire: () => Promise.reject(new Error("image-not-found")) };
    await expect(importSnapshot(store, file, { zstd, images: none })).rejects.toThrow("image-not-found");
    expect(await store.list()).toEqual([]);
  });
});

async function rewrite(folder: string, change: (text: string) => string): Promise<void> {
  const file = join(folder, "snapshot.json");
  const before = await readFile(file, "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(file, after);
}

async function rebase(folder: string, name: string, backing: string, format: string): Promise<void> {
  execFileSync("qemu-img", ["rebase", "-u", "-F", format, "-b", backing, join(folder, name)]);
}
