import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CacheLease } from "../../../src/cache/cache-lease.ts";
import { type AcquireCacheOptions, CacheStore } from "../../../src/cache/cache-store.ts";

const MIB = 1_048_576;
const SIZE = 32 * MIB;

let directory: string;
let store: CacheStore;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "boxcar-caches-"));
  store = await CacheStore.open({ directory });
});

afterEach(() => {
  // Whatever happened, nothing is left of it.
  for (const name of ["staging", "locks"]) expect(readdirSync(join(directory, name))).toEqual([]);
  rmSync(directory, { recursive: true });
});

function acquire(
  mode: "exclusive" | "shared",
  options: Partial<AcquireCacheOptions> = {},
  name = "npm",
): Promise<CacheLease> {
  return store.acquire(name, { mode, sizeBytes: SIZE, ...options });
}

/** Where the tests write: behind all that the file system has in its first blocks. */
const AT = 16 * MIB;

/** As a machine does: `byte` at the n-th 64 KiB behind {@link AT}. */
async function write({ disk }: CacheLease, byte: number, index = 0, count = 1): Promise<void> {
  const command = `write -q -P ${byte} ${AT + index * 65_536} ${count * 65_536}`;
  await execa("qemu-io", ["-f", "qcow2", "-t", "unsafe", "-c", command, disk.diskFile]);
}

/** Rejects unless that is what is there. */
async function expectByte({ disk }: CacheLease, byte: number, index = 0): Promise<void> {
  const command = `read -q -P ${byte} ${AT + index * 65_536} 65536`;
  const { stdout, exitCode } = await execa("qemu-io", ["-r", "-f", "qcow2", "-c", command, disk.diskFile]);
  expect([stdout, exitCode]).toEqual(["", 0]);
}

/** The two numbers that the committing process has written. */
async function stateOf({ disk }: CacheLease): Promise<number[]> {
  const flat = join(directory, "flat");
  await execa("qemu-img", ["convert", "-O", "raw", disk.diskFile, flat]);
  const file = await open(flat);
  const bytes = await Promise.all([0, 65_536].map((at) => file.read(Buffer.alloc(1), 0, 1, AT + at)));
  await file.close();
  return bytes.map(({ buffer }) => buffer[0] as number);
}

async function keep(byte: number, index = 0, count = 1): Promise<void> {
  await using lease = await acquire("exclusive");
  await write(lease, byte, index, count);
  expect(await lease.commit()).toBe("kept");
}

function layers(name = "npm"): string[] {
  return readdirSync(join(directory, "names", name, "layers"));
}

describe("a cache", () => {
  it("is an empty file system at first, which programs of the host find in order", async () => {
    await using lease = await acquire("exclusive");
    expect(lease).toMatchObject({ name: "npm", mode: "exclusive", isEmpty: true, disk: { sizeBytes: SIZE } });
    const flat = join(directory, "flat");
    await execa("qemu-img", ["convert", "-O", "raw", lease.disk.diskFile, flat]);
    const { stdout } = await execa("/usr/sbin/debugfs", ["-R", "ls -p /", flat]);
    expect(stdout.trim().split("\n")).toHaveLength(2);
    const { stdout: facts } = await execa("/usr/sbin/dumpe2fs", ["-h", flat]);
    expect(facts).toMatch(/Filesystem state: +clean/);
    expect(facts).toMatch(/has_journal/);
  });

  it("has what was kept, and not what was not", async () => {
    await keep(1);
    {
      await using lease = await acquire("exclusive");
      expect(lease.isEmpty).toBe(false);
      await write(lease, 2);
    }
    await using lease = await acquire("exclusive");
    await expectByte(lease, 1);
  });

  it("keeps its size", async () => {
    await keep(1);
    await using lease = await acquire("shared", { sizeBytes: 64 * MIB });
    expect(lease.disk.sizeBytes).toBe(SIZE);
  });

  it("is the same to its readers, whatever others write", async () => {
    await keep(1);
    await using reader = await acquire("shared");
    await using other = await acquire("shared");
    await write(other, 9);
    await keep(2);
    await expectByte(reader, 1);
    await using later = await acquire("shared");
    await expectByte(later, 2);
  });

  it("is made once for several who come at once", async () => {
    const leases = await Promise.all([1, 2, 3].map(() => acquire("shared")));
    expect(layers()).toHaveLength(1);
    for (const lease of leases) await lease[Symbol.asyncDispose]();
  });

  it("is written anew when it has many layers, and holds the same", async () => {
    for (let index = 0; index < 20; index++) {
      await keep(index + 1, index);
      expect(layers().length).toBeLessThanOrEqual(8);
    }
    await using lease = await acquire("shared");
    for (let index = 0; index < 20; index++) await expectByte(lease, index + 1, index);
  });

  it("does not grow without end by what is overwritten", async () => {
    for (let round = 1; round <= 6; round++) await keep(round, 0, 200);
    const [info] = await store.list();
    expect(info?.diskBytes).toBeLessThan(1.6 * SIZE);
    await using lease = await acquire("shared");
    await expectByte(lease, 6, 199);
  });

  it.each(["", ".", "..", "a/b", "-x", ".hidden", "x".repeat(101), "a\nb", "ü"])("is not called %j", async (name) => {
    await expect(acquire("shared", {}, name)).rejects.toMatchObject({ code: "cache-name-invalid", blame: "task" });
    await expect(store.purge(name)).rejects.toMatchObject({ code: "cache-name-invalid" });
  });

  it.each([0, MIB, -1, Number.NaN, 1e18])("has no size of %d bytes", async (sizeBytes) => {
    await expect(acquire("shared", { sizeBytes })).rejects.toMatchObject({ code: "cache-size-invalid" });
    expect(await store.list()).toEqual([]);
  });
});

describe("who may write", () => {
  it("is one at a time; the others wait, and say so", async () => {
    const first = await acquire("exclusive");
    const notes: string[] = [];
    const noted = Promise.withResolvers<void>();
    const note = (text: string) => {
      notes.push(text);
      noted.resolve();
    };
    const second = acquire("exclusive", { note });
    await noted.promise;
    await write(first, 1);
    await first.commit();
    await first[Symbol.asyncDispose]();
    await using lease = await second;
    await expectByte(lease, 1);
    expect(notes).toEqual(["waiting for another task to finish with the cache npm"]);
  });

  it("waits for so long only, and gives up when it is told to", async () => {
    await using _first = await acquire("exclusive");
    await expect(acquire("exclusive", { maxWaitMs: 50 })).rejects.toMatchObject({
      code: "cache-busy",
      blame: "upstream",
    });
    const controller = new AbortController();
    const waiting = acquire("exclusive", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await using _other = await acquire("exclusive", {}, "another");
    await using _reader = await acquire("shared");
  });

  it("may be killed at any time: what it had is free then, and what it wrote is not there", async () => {
    await keep(1);
    const script = join(import.meta.dirname, "holding-process.ts");
    const child = spawn(process.execPath, [script, directory, "npm"], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    expect((await store.list())[0]?.users).toBe(1);
    await expect(acquire("exclusive", { maxWaitMs: 50 })).rejects.toMatchObject({ code: "cache-busy" });
    {
      // While it lives, what it has is left alone.
      const other = await CacheStore.open({ directory });
      expect((await other.list())[0]?.users).toBe(1);
    }
    const waiting = acquire("exclusive");
    child.kill("SIGKILL");
    await once(child, "exit");
    {
      await using lease = await waiting;
      await expectByte(lease, 1);
    }
    await CacheStore.open({ directory });
    expect((await store.list())[0]?.users).toBe(0);
  });

  it.each([2, 9, 11, 14])(
    "may be killed while it keeps something, after %d times: all of it is kept, or nothing",
    async (times) => {
      const script = join(import.meta.dirname, "committing-process.ts");
      const child = spawn(process.execPath, [script, directory, "npm"], { stdio: ["ignore", "pipe", "inherit"] });
      const exited = once(child, "exit");
      let kept = 0;
      for await (const line of createInterface(child.stdout)) {
        kept = Number(line);
        if (kept === times) child.kill("SIGKILL");
      }
      // Its output ends before it does.
      await exited;
      // What it has written to is as it is: nobody repairs anything.
      store = await CacheStore.open({ directory });
      await using lease = await acquire("exclusive");
      const state = await stateOf(lease);
      expect(state[0]).toBeGreaterThanOrEqual(kept);
      expect(state).toEqual([state[0], state[0]]);
    },
  );

  it("is told when the cache was purged meanwhile, and nothing is kept", async () => {
    await keep(1);
    await using lease = await acquire("exclusive");
    await write(lease, 2);
    await store.purge("npm");
    expect(await store.list()).toEqual([]);
    expect(await lease.commit()).toBe("purged");
    expect(await store.list()).toEqual([]);
    await expectByte(lease, 2);
    await lease[Symbol.asyncDispose]();
    expect(readdirSync(join(directory, "names"))).toEqual([]);
    await using next = await acquire("exclusive");
    expect(next.isEmpty).toBe(true);
  });
});

describe("the store", () => {
  it("lists its caches, the most recently used first, and removes them", async () => {
    for (const name of ["a", "b"]) await (await acquire("shared", {}, name))[Symbol.asyncDispose]();
    utimesSync(join(directory, "names/a/last-used"), new Date(2e12), new Date(2e12));
    const list = await store.list();
    expect(list).toMatchObject([
      { name: "a", sizeBytes: SIZE, users: 0, lastUsed: new Date(2e12) },
      { name: "b", sizeBytes: SIZE, users: 0 },
    ]);
    expect(list[0]?.diskBytes).toBeLessThan(SIZE / 4);
    await store.purge("a");
    expect((await store.list()).map(({ name }) => name)).toEqual(["b"]);
    await expect(store.purge("a")).rejects.toMatchObject({ code: "cache-not-found" });
  });

  it("removes the least recently used ones that nobody uses, when all together take too much", async () => {
    for (const [index, name] of ["old", "used", "new"].entries()) {
      await using lease = await acquire("exclusive", {}, name);
      await write(lease, 1, 0, 100);
      await lease.commit();
      const time = new Date(1.7e12 + index * 1_000);
      utimesSync(join(directory, "names", name, "last-used"), time, time);
    }
    await using _user = await acquire("shared", {}, "used");
    utimesSync(join(directory, "names/used/last-used"), new Date(1.6e12), new Date(1.6e12));
    expect(await store.trim(1e12)).toEqual([]);
    const total = (await store.list()).reduce((sum, { diskBytes }) => sum + diskBytes, 0);
    expect(await store.trim(total - 1)).toEqual(["old"]);
    expect(await store.trim(0)).toEqual(["new"]);
    expect((await store.list()).map(({ name }) => name)).toEqual(["used"]);
  });

  it("begins a cache anew whose record cannot be read", async () => {
    await keep(1);
    writeFileSync(join(directory, "names/npm/record.json"), "{");
    await using lease = await acquire("exclusive");
    expect(lease.isEmpty).toBe(true);
  });
});

describe("preloading", () => {
  let folder: string;

  beforeEach(() => {
    folder = join(directory, "source");
    mkdirSync(join(folder, "sub"), { recursive: true });
    writeFileSync(join(folder, "sub/file"), "some text", { mode: 0o640 });
  });

  async function pack(name: string, flags: readonly string[]): Promise<string> {
    const file = join(directory, name);
    await execa("tar", ["-C", folder, ...flags, "-cf", file, "."]);
    return file;
  }

  /** What debugfs finds at a path. */
  async function look(lease: CacheLease, request: string): Promise<string> {
    const flat = join(directory, "flat");
    await execa("qemu-img", ["convert", "-O", "raw", lease.disk.diskFile, flat]);
    const { stdout } = await execa("/usr/sbin/debugfs", ["-R", request, flat]);
    rmSync(flat);
    return stdout;
  }

  it.each([
    ["a.tar", []],
    ["a.tar.gz", ["-z"]],
    ["a.tar.zst", ["-I", "zstd"]],
    ["gnu.tar", ["--format=gnu"]],
  ] as const)("fills a cache that is made, from %s", async (name, flags) => {
    await execa("ln", ["-s", "/etc/passwd", join(folder, "link")]);
    await execa("ln", [join(folder, "sub/file"), join(folder, "twin")]);
    await using lease = await acquire("exclusive", { preload: await pack(name, flags) });
    expect(lease.isEmpty).toBe(false);
    expect(await look(lease, "cat /sub/file")).toBe("some text");
    expect(await look(lease, "stat /sub/file")).toMatch(/Mode: +0640.*\n(.*\n)*Links: 2/);
    expect(await look(lease, "stat /link")).toContain('Fast link dest: "/etc/passwd"');
    expect(readdirSync(join(directory, "staging"))).toHaveLength(1);
  });

  it("leaves a cache that is there as it is", async () => {
    await keep(1);
    await using lease = await acquire("shared", { preload: "/nowhere" });
    await expectByte(lease, 1);
  });

  it.each([
    ["a path that leads out", ["--transform=s,./sub/file,../file,", "-P"], "preload-refused"],
    ["a path from the top", ["--transform=s,./sub/file,/file,", "-P"], "preload-refused"],
    ["a file twice", ["--transform=s,./sub/file,twice,;s,./other,twice,", "./other", "./sub/file"], "preload-refused"],
  ])("refuses %s", async (_what, flags, code) => {
    writeFileSync(join(folder, "other"), "x");
    const preload = await pack("bad.tar", flags);
    await expect(acquire("shared", { preload })).rejects.toMatchObject({ code, blame: "task" });
    expect(await store.list()).toEqual([]);
  });

  it("refuses what is written through a link", async () => {
    const target = join(directory, "outside");
    mkdirSync(target);
    await execa("ln", ["-s", target, join(folder, "door")]);
    const file = await pack("bad.tar", []);
    rmSync(join(folder, "door"));
    mkdirSync(join(folder, "door"));
    writeFileSync(join(folder, "door/file"), "x");
    await execa("tar", ["-C", folder, "-rf", file, "./door/file"]);
    await expect(acquire("shared", { preload: file })).rejects.toMatchObject({ code: "preload-refused" });
    expect(readdirSync(target)).toEqual([]);
  });

  it("refuses devices, and what is no archive", async () => {
    await execa("mkfifo", [join(folder, "pipe")]);
    const fifo = await pack("fifo.tar", []);
    await expect(acquire("shared", { preload: fifo })).rejects.toMatchObject({ code: "preload-refused" });
    const noise = join(directory, "noise");
    writeFileSync(noise, "x".repeat(2_000));
    await expect(acquire("shared", { preload: noise })).rejects.toMatchObject({ code: "preload-refused" });
    writeFileSync(noise, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]));
    await expect(acquire("shared", { preload: noise })).rejects.toMatchObject({ code: "preload-refused" });
    const cut = await pack("cut.tar", []);
    await execa("truncate", ["-s", "1100", cut]);
    await expect(acquire("shared", { preload: cut })).rejects.toMatchObject({ code: "preload-refused" });
  });

  it("refuses what is larger than the cache, before or after it was unpacked", async () => {
    await execa("truncate", ["-s", String(SIZE + 1), join(folder, "zeros")]);
    const bomb = await pack("bomb.tar.zst", ["-I", "zstd"]);
    await expect(acquire("shared", { preload: bomb })).rejects.toMatchObject({ code: "preload-too-large" });
    await execa("dd", ["if=/dev/urandom", `of=${join(folder, "zeros")}`, "bs=1M", "count=31"]);
    const full = await pack("full.tar", []);
    await expect(acquire("shared", { preload: full })).rejects.toMatchObject({ code: "preload-too-large" });
    expect(await store.list()).toEqual([]);
  });
});
