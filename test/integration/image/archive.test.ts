import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, type ImageLimits } from "../../../src/image/archive/format.ts";
import { packImage } from "../../../src/image/archive/pack.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import type { ZstdCodec } from "../../../src/image/zstd/codec.ts";
import { CodecZstd } from "../../../src/image/zstd/codec-zstd.ts";
import { ArchiveFolder, MIB, sha256Of } from "./archives.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());

const image = folder.makeImage();
let count = 0;
let directory: string;
beforeEach(() => {
  directory = join(folder.path, `store-${count++}`);
});

async function openStore(limits: Partial<ImageLimits> = {}, zstd: ZstdCodec = new BinaryZstd()): Promise<ImageStore> {
  return await ImageStore.open({ directory, limits: { reserveBytes: 0, ...limits }, zstd });
}

/** What compresses to half, so that much depends on where it is cut. */
function halfRandom(bytes: number): Buffer {
  const text = Buffer.alloc(bytes, "a line of a file that is on many disks\n");
  for (let at = 0; at < bytes; at += 4_096) randomBytes(2_048).copy(text, at);
  return text;
}

describe.each([new BinaryZstd(), new CodecZstd()])("import with $name", (zstd) => {
  it.each([
    ["posix sparse", ["--format=posix", "-S", "machine.json", "disk.img", "layer.qcow2"]],
    ["gnu sparse", ["--format=gnu", "-S", "disk.img", "layer.qcow2", "machine.json"]],
    ["plain ustar", ["--format=ustar", "disk.img", "layer.qcow2", "machine.json"]],
    ["gnu without a layer", ["--format=gnu", "disk.img", "machine.json"]],
  ])("takes an archive of GNU tar: %s", async (_, args) => {
    await using store = await openStore({}, zstd);
    const archive = folder.pack(image, args);
    const imported = await store.import(archive, { tag: "small" });
    expect(imported.digest).toBe(`sha256:${sha256Of(archive)}`);
    expect(imported.tags).toEqual(["small"]);
    expect(imported.machine).toEqual({ version: 2, memory: 256 });
    const disk = imported.files["disk.img"] as string;
    expect(sha256Of(disk)).toBe(sha256Of(join(image, "disk.img")));
    expect(statSync(disk).mode & 0o777).toBe(0o444);
    expect(statSync(disk).blocks * 512).toBeLessThan(2 * MIB);
    expect(imported.sizes.virtualBytes).toBe(16 * MIB);
    expect(imported.sizes.apparentBytes).toBeGreaterThan(16 * MIB);
    expect(imported.sizes.diskBytes).toBeLessThan(3 * MIB);
  });
});

it("takes an old GNU sparse map that needs several extension blocks", async () => {
  const spotted = folder.makeImage({ diskBytes: 64 * MIB });
  const disk = Buffer.alloc(64 * MIB);
  for (let i = 0; i < 200; i++) disk.write(`piece ${i}`, i * 320 * 1_024);
  writeFileSync(join(spotted, "disk.img"), disk);
  execFileSync("cp", ["--sparse=always", "disk.img", "sparse.img"], { cwd: spotted });
  execFileSync("mv", ["sparse.img", "disk.img"], { cwd: spotted });
  await using store = await openStore();
  const imported = await store.import(folder.pack(spotted, ["--format=gnu", "-S", "machine.json", "disk.img"]));
  expect(readFileSync(imported.files["disk.img"] as string).equals(disk)).toBe(true);
});

it("takes files of version 1 and migrates them", async () => {
  const old = folder.makeImage({ machine: { version: 1, network: "rtl8139", mac: "aa:54:1a:30:5c:de" } });
  await using store = await openStore();
  expect((await store.import(folder.packImage(old))).machine).toMatchObject({ version: 2, chipset: "pc" });
});

describe("packImage", () => {
  it("writes archives GNU tar and zstd unpack to the same files, and an import takes", async () => {
    const target = join(folder.path, "packed.tar.zst");
    const progress: number[] = [];
    await packImage(image, target, {
      zstd: new BinaryZstd(),
      limits: DEFAULT_LIMITS,
      threads: 2,
      level: 5,
      onProgress: (done, total) => progress.push(done / total),
    });
    expect(progress.at(-1)).toBe(1);
    execFileSync("zstd", ["-tq", target]);
    const listing = execFileSync("sh", ["-c", `zstd -dqc ${target} | tar -tvf -`], { encoding: "utf8" });
    expect(listing).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 machine.json$/m);
    const out = join(folder.path, "unpacked");
    execFileSync("sh", ["-c", `mkdir ${out} && zstd -dqc ${target} | tar -xSf - -C ${out}`]);
    for (const file of ["machine.json", "disk.img", "layer.qcow2"]) {
      expect(sha256Of(join(out, file))).toBe(sha256Of(join(image, file)));
    }
    await using store = await openStore();
    const imported = await store.import(target);
    expect(sha256Of(imported.files["disk.img"] as string)).toBe(sha256Of(join(image, "disk.img")));
  });

  it.each([new BinaryZstd(), new CodecZstd()])("writes the same bytes for the same files with $name", async (zstd) => {
    const digests = [];
    for (const name of ["one.tar.zst", "two.tar.zst"]) {
      const target = join(folder.path, name);
      await packImage(image, target, { zstd, limits: DEFAULT_LIMITS });
      execFileSync("zstd", ["-tq", target]);
      digests.push(sha256Of(target));
    }
    expect(digests[0]).toBe(digests[1]);
  });

  it("writes the same bytes however many threads there are", async () => {
    const large = folder.makeImage();
    // More than a thread takes at once.
    writeFileSync(join(large, "disk.img"), halfRandom(24 * MIB));
    const digests = [];
    for (const threads of [1, 2, 5, undefined]) {
      const target = join(folder.path, `threads-${threads}.tar.zst`);
      const options = { zstd: new BinaryZstd(), limits: DEFAULT_LIMITS, ...(threads === undefined ? {} : { threads }) };
      await packImage(large, target, options);
      digests.push(sha256Of(target));
    }
    expect(new Set(digests).size).toBe(1);
  });

  it("refuses a folder with other files, and leaves nothing when it is aborted", async () => {
    const other = folder.makeImage();
    writeFileSync(join(other, "notes.txt"), "");
    const options = { zstd: new BinaryZstd(), limits: DEFAULT_LIMITS };
    const target = join(folder.path, "never.tar.zst");
    await expect(packImage(other, target, options)).rejects.toMatchObject({ code: "archive-unexpected-file" });
    const controller = new AbortController();
    const packing = packImage(image, target, {
      ...options,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(packing).rejects.toThrow("enough");
    expect(readdirSync(folder.path).filter((name) => name.includes("never"))).toEqual([]);
  });
});
