import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statfsSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { ImageLimits } from "../../../src/image/archive/format.ts";
import { streamSource } from "../../../src/image/store/archive-source.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import type { ZstdCodec } from "../../../src/image/zstd/codec.ts";
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

  it("an archive that turns out not to fit while it is unpacked", async () => {
    const path = folder.makeImage();
    writeFileSync(join(path, "disk.img"), Buffer.alloc(300 * MIB, "full "));
    const archive = folder.pack(path, ["--format=ustar", "machine.json", "disk.img"]);
    const { bavail, bsize } = statfsSync(folder.path);
    const error = await refused(archive, { reserveBytes: bavail * bsize - 150 * MIB });
    expect(error).toMatchObject({ code: "disk-space-low", blame: "host" });
  });

  it("truncated, corrupt and followed archives, each with its own message", async () => {
    const bytes = readFileSync(folder.packImage(image));
    const cut = folder.file("cut.zst", bytes.subarray(0, bytes.length - 1_000));
    expect(await refused(cut)).toMatchObject({ code: "zstd-truncated" });
    const tail = folder.file("tail.zst", Buffer.concat([bytes, Buffer.from("tail")]));
    expect(await refused(tail)).toMatchObject({ code: "zstd-trailing-data" });
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bytes.length - 2) ^ 1, bytes.length - 2);
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
    const archive = folder.packImage(image);
    await using store = await openStore();
    async function* stream() {
      yield readFileSync(archive);
    }
    await expect(store.import(streamSource(stream(), "0".repeat(64)))).rejects.toMatchObject({
      code: "image-digest-mismatch",
    });
    expect(remains(directory)).toEqual([]);
    expect((await store.import(streamSource(stream(), sha256Of(archive)))).tags).toEqual([]);
  });

  it("a path where nothing is, or a folder", async () => {
    expect(await refused(join(folder.path, "nothing.tar.zst"))).toMatchObject({
      code: "image-not-found",
      blame: "task",
    });
    expect(await refused(folder.path)).toMatchObject({ code: "image-not-found" });
  });
});
