import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, type ImageLimits } from "../../../src/image/archive/format.ts";
import { packImage } from "../../../src/image/archive/pack.ts";
import { streamSource } from "../../../src/image/store/archive-source.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import type { ZstdCodec } from "../../../src/image/zstd/codec.ts";
import { CodecZstd } from "../../../src/image/zstd/codec-zstd.ts";
import { ArchiveFolder, MIB, sha256Of } from "./archives.ts";

const GIB = 1_024 * MIB;
const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());

/** Every file and folder below, to see that nothing is left. */
function remains(storeDirectory: string): string[] {
  return ["blobs", "staging", "tags", "leases", "locks"].flatMap((name) =>
    readdirSync(join(storeDirectory, name), { recursive: true }).map((entry) => join(name, String(entry))),
  );
}

const image = folder.makeImage();
let count = 0;
let directory: string;
beforeEach(() => {
  directory = join(folder.path, `store-${count++}`);
});

async function openStore(limits: Partial<ImageLimits> = {}, zstd: ZstdCodec = new BinaryZstd()): Promise<ImageStore> {
  return await ImageStore.open({ directory, limits: { reserveBytes: 0, ...limits }, zstd });
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

describe("an import refuses, and leaves nothing of", () => {
  async function refused(
    archive: string,
    limits: Partial<ImageLimits> = {},
  ): Promise<{ code: string; message: string }> {
    await using store = await openStore(limits);
    const error = await store.import(archive, { tag: "bad" }).then(
      () => ({ code: "accepted", message: "" }),
      (error: { code: string; message: string }) => error,
    );
    expect(remains(directory)).toEqual([]);
    return error;
  }

  /** A good image beside whatever `prepare` puts there, all of it packed. */
  function packedWith(prepare: (path: string) => void, args: readonly string[]): string {
    const path = folder.makeImage();
    prepare(path);
    return folder.pack(path, ["--format=posix", "-S", ...args]);
  }

  const good = ["machine.json", "disk.img", "layer.qcow2"];

  it("an archive with ../x", async () => {
    const archive = packedWith((path) => writeFileSync(join(path, "..", "x"), "out"), ["-P", ...good, "../x"]);
    expect(await refused(archive)).toMatchObject({
      code: "archive-unsafe-name",
      message: expect.stringContaining("../x"),
    });
    expect(existsSync(join(directory, "staging", "x"))).toBe(false);
  });

  it("an archive with an absolute name", async () => {
    const archive = packedWith(() => {}, ["-P", ...good, "/etc/hostname"]);
    expect(await refused(archive)).toMatchObject({ code: "archive-unsafe-name" });
  });

  it("an archive with a symbolic link in place of the disk", async () => {
    const archive = packedWith((path) => {
      execFileSync("rm", [join(path, "disk.img")]);
      symlinkSync("/etc/passwd", join(path, "disk.img"));
    }, good);
    expect(await refused(archive)).toMatchObject({
      code: "archive-link",
      message: expect.stringContaining("disk.img"),
    });
  });

  it("an archive with a hard link", async () => {
    const archive = packedWith(
      (path) => execFileSync("ln", [join(path, "disk.img"), join(path, "kernel")]),
      [...good, "kernel"],
    );
    expect(await refused(archive)).toMatchObject({ code: "archive-link" });
  });

  it("an archive with a device", async () => {
    const archive = packedWith(() => {}, ["-C", "/dev", "null", "--transform=s/null/kernel/"]);
    expect(await refused(archive)).toMatchObject({
      code: "archive-device",
      message: expect.stringContaining("kernel"),
    });
  });

  it("an archive with a fifo", async () => {
    const archive = packedWith((path) => execFileSync("mkfifo", [join(path, "initrd")]), [...good, "initrd"]);
    expect(await refused(archive)).toMatchObject({ code: "archive-unsupported-entry" });
  });

  it("an archive with a directory", async () => {
    const archive = packedWith(() => {}, ["."]);
    expect(await refused(archive)).toMatchObject({ code: "archive-directory" });
  });

  it("an archive with another file", async () => {
    const archive = packedWith((path) => writeFileSync(join(path, "notes.txt"), ""), [...good, "notes.txt"]);
    expect(await refused(archive)).toMatchObject({ code: "archive-unexpected-file" });
  });

  it("an archive with a file twice", async () => {
    const archive = packedWith(() => {}, ["--hard-dereference", ...good, "machine.json"]);
    expect(await refused(archive)).toMatchObject({ code: "archive-duplicate" });
  });

  it("an archive without a disk", async () => {
    const archive = packedWith(() => {}, ["machine.json"]);
    expect(await refused(archive)).toMatchObject({
      code: "archive-missing-file",
      message: expect.stringContaining("disk.img"),
    });
  });

  it("a machine.json of more than 1 MiB", async () => {
    const archive = packedWith((path) => writeFileSync(join(path, "machine.json"), " ".repeat(MIB + 1)), good);
    expect(await refused(archive)).toMatchObject({ code: "archive-file-too-large" });
  });

  it("a machine.json with mistakes, which are all listed", async () => {
    const archive = packedWith(
      (path) => writeFileSync(join(path, "machine.json"), '{"version":2,"memory":0,"x":1}'),
      good,
    );
    expect(await refused(archive)).toMatchObject({ code: "invalid-input", issues: { length: 2 } });
    const text = packedWith((path) => writeFileSync(join(path, "machine.json"), "{"), good);
    expect(await refused(text)).toMatchObject({ code: "invalid-input" });
  });

  it("a sparse bomb of 60 GiB, before any of it is written", async () => {
    const bomb = (path: string) => truncateSync(join(path, "disk.img"), 60 * GIB);
    for (const format of ["posix", "gnu"]) {
      const archive = packedWith(bomb, [`--format=${format}`, "-S", ...good]);
      const error = await refused(archive);
      expect(error).toMatchObject({ code: "archive-file-too-large", message: expect.stringContaining("60.0 GiB") });
    }
  });

  it("a bomb of zeros that are really in the archive", async () => {
    const archive = folder.pack(folder.makeImage({ diskBytes: 300 * MIB }), [
      "--format=ustar",
      "machine.json",
      "disk.img",
    ]);
    expect(await refused(archive, { maxFileBytes: 200 * MIB })).toMatchObject({ code: "archive-file-too-large" });
  });

  it("an archive that does not fit on the disk", async () => {
    const archive = folder.packImage(image);
    expect(await refused(archive, { reserveBytes: 2 ** 60 })).toMatchObject({ code: "disk-space-low", blame: "host" });
  });

  it("truncated, corrupt and followed archives, each with its own message", async () => {
    const bytes = readFileSync(folder.packImage(image));
    const cut = folder.file("cut.zst", bytes.subarray(0, bytes.length - 1_000));
    expect(await refused(cut)).toMatchObject({ code: "zstd-truncated" });
    const tail = folder.file("tail.zst", Buffer.concat([bytes, Buffer.from("tail")]));
    expect(await refused(tail)).toMatchObject({ code: "zstd-trailing-data" });
    const flipped = Buffer.from(bytes);
    flipped.writeUInt32BE(flipped.readUInt32BE(bytes.length - 4) ^ 1, bytes.length - 4);
    expect(await refused(folder.file("flipped.zst", flipped))).toMatchObject({ code: "zstd-corrupt" });
    expect(await refused(folder.file("text.zst", Buffer.from("hello")))).toMatchObject({ code: "zstd-not-zstd" });
  });

  it("a truncated tar inside of whole zstd", async () => {
    const tar = join(folder.path, "short.tar");
    execFileSync("tar", ["-cf", tar, ...good], { cwd: image });
    truncateSync(tar, 5 * MIB);
    expect(await refused(folder.compress(tar))).toMatchObject({ code: "archive-truncated" });
  });

  it("something that is no tar inside of zstd", async () => {
    const text = folder.file("text.tar", Buffer.from("hello ".repeat(10_000)));
    expect(await refused(folder.compress(text))).toMatchObject({ code: "archive-corrupt" });
  });

  const layer =
    (...args: string[]) =>
    (path: string) => {
      execFileSync("rm", ["-f", join(path, "layer.qcow2")]);
      execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", ...args, "layer.qcow2"], { cwd: path });
    };

  it("layers with another backing file, none, a data file, encryption, or too large", async () => {
    const other = packedWith((path) => {
      copyFileSync(join(path, "disk.img"), join(path, "other.img"));
      layer("-b", "other.img", "-F", "raw")(path);
    }, good);
    expect(await refused(other)).toMatchObject({
      code: "layer-backing-file",
      message: expect.stringContaining("other.img"),
    });
    expect(await refused(packedWith(layer(), [...good].slice(0, 2)))).toMatchObject({ code: "accepted" });
  });

  it.each([
    ["layer-backing-file", ["-u", "-b", "/etc/passwd", "-F", "raw", "layer.qcow2", "1M"]],
    ["layer-backing-file", ["layer.qcow2", "1M"]],
    ["layer-backing-format", ["-u", "-b", "disk.img", "-F", "qcow2", "layer.qcow2", "1M"]],
    ["layer-data-file", ["-u", "-b", "disk.img", "-F", "raw", "-o", "data_file=data.raw", "layer.qcow2", "1M"]],
    ["layer-too-large", ["-u", "-b", "disk.img", "-F", "raw", "layer.qcow2", "60G"]],
    ["layer-not-qcow2", undefined],
  ])("a layer that breaks %s (%j)", async (code, args) => {
    const archive = packedWith((path) => {
      execFileSync("rm", ["-f", join(path, "layer.qcow2")]);
      if (args === undefined) writeFileSync(join(path, "layer.qcow2"), "not a disk");
      else execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", ...args], { cwd: path });
    }, good);
    expect((await refused(archive)).code).toBe(code);
  });

  it("a layer with an internal snapshot", async () => {
    const archive = packedWith((path) => {
      execFileSync("qemu-img", ["snapshot", "-c", "before", "layer.qcow2"], { cwd: path });
    }, good);
    expect(await refused(archive)).toMatchObject({ code: "layer-snapshots" });
  });

  it("a disk that is another format in disguise", async () => {
    const archive = packedWith((path) => {
      execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "disk.img", "1M"], { cwd: path });
    }, good);
    expect(await refused(archive)).toMatchObject({ code: "disk-not-raw" });
  });

  it("an archive that has another digest than was asked for", async () => {
    const bytes = readFileSync(folder.packImage(image));
    await using store = await openStore();
    async function* stream() {
      yield bytes;
    }
    await expect(store.import(streamSource(stream(), "0".repeat(64)))).rejects.toMatchObject({
      code: "image-digest-mismatch",
    });
    expect(remains(directory)).toEqual([]);
    expect((await store.import(streamSource(stream(), sha256Of(folder.packImage(image))))).tags).toEqual([]);
  });

  it("a path where nothing is, or a folder", async () => {
    expect(await refused(join(folder.path, "nothing.tar.zst"))).toMatchObject({
      code: "image-not-found",
      blame: "task",
    });
    expect(await refused(folder.path)).toMatchObject({ code: "image-not-found" });
  });

  it("an archive it may not write, when the store is read-only for it", async () => {
    if (process.getuid?.() === 0) return;
    await using store = await openStore();
    chmodSync(join(directory, "staging"), 0o500);
    await expect(store.import(folder.packImage(image))).rejects.toMatchObject({ code: "EACCES" });
  });
});
