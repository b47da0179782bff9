import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { ArchiveSource } from "../../../src/image/store/archive-source.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { ArchiveFolder } from "./archives.ts";
import { CountingZstd } from "./counting-zstd.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());

/** Noise, so that the archive is not over before it has begun. */
const imageDirectory = folder.makeImage();
writeFileSync(join(imageDirectory, "kernel"), randomBytes(2_000_000));
const archive = folder.pack(imageDirectory, [
  "--format=posix",
  "-S",
  "kernel",
  "machine.json",
  "disk.img",
  "layer.qcow2",
]);
const otherArchive = folder.packImage(folder.makeImage({ machine: { version: 2, memory: 512 } }));

let count = 0;
let directory: string;
beforeEach(() => {
  directory = join(folder.path, `store-${count++}`);
});

async function openStore(zstd = new BinaryZstd()): Promise<ImageStore> {
  return await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd });
}

function entries(name: string): string[] {
  return readdirSync(join(directory, name));
}

/** An archive that stops in the middle until it is told to go on. */
function pausingSource(key: string): { source: ArchiveSource; paused: Promise<void>; resume: () => void } {
  const paused = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  const bytes = readFileSync(archive);
  const source: ArchiveSource = {
    key,
    bytes: bytes.length,
    sha256: undefined,
    async *open() {
      yield bytes.subarray(0, 1_000_000);
      paused.resolve();
      await resumed.promise;
      yield bytes.subarray(1_000_000);
    },
  };
  return { source, paused: paused.promise, resume: () => resumed.resolve() };
}

describe("importing", () => {
  it("unpacks once what two ask for at the same time, in one process", async () => {
    const zstd = new CountingZstd();
    await using store = await openStore(zstd);
    const [first, second] = await Promise.all([store.import(archive), store.import(archive, { tag: "twice" })]);
    expect(first.digest).toBe(second.digest);
    expect(zstd.unpacked).toBe(1);
  });

  it("unpacks once what two stores on one directory ask for at the same time", async () => {
    const zstd = new CountingZstd();
    await using one = await openStore(zstd);
    await using two = await openStore(zstd);
    const { source, paused, resume } = pausingSource("shared");
    const first = one.import(source);
    await paused;
    const second = two.import({ ...source, open: () => expect.fail("the archive was opened twice") });
    resume();
    expect((await first).digest).toBe((await second).digest);
    expect(zstd.unpacked).toBe(1);
  });

  it("knows an unchanged file again without reading it, also after it was opened anew", async () => {
    const zstd = new CountingZstd();
    {
      await using store = await openStore(zstd);
      await store.import(archive);
    }
    await using store = await openStore(zstd);
    await store.import(archive);
    expect(zstd.unpacked).toBe(1);
    const copy = folder.file("copy.tar.zst", readFileSync(archive));
    expect((await store.import(copy)).digest).toBe((await store.import(archive)).digest);
    expect(zstd.unpacked).toBe(2);
    expect(await store.list()).toHaveLength(1);
  });

  it("unpacks again what was removed", async () => {
    await using store = await openStore();
    const { digest } = await store.import(archive);
    await store.remove(digest);
    expect((await store.import(archive)).digest).toBe(digest);
    await store.remove(digest);
    expect(entries("sources")).toHaveLength(1);
    await using _opened = await openStore();
    expect(entries("sources")).toEqual([]);
  });

  it("refuses an archive that is longer than what it may unpack to, before anything of it comes", async () => {
    await using store = await openStore();
    const endless: ArchiveSource = {
      key: "endless",
      bytes: 2 ** 50,
      sha256: undefined,
      open: () => expect.fail("it was opened"),
    };
    await expect(store.import(endless)).rejects.toMatchObject({ code: "archive-too-large", blame: "image" });
    const silent: ArchiveSource = {
      ...endless,
      bytes: undefined,
      async *open() {
        // A frame without a known length, and the length of what is yielded without its bytes.
        yield Buffer.from("28b52ffd0000", "hex");
        yield Object.defineProperty(new Uint8Array(8), "length", { value: 2 ** 50 });
      },
    };
    await expect(store.import(silent)).rejects.toMatchObject({ code: "archive-too-large" });
    expect([...entries("staging"), ...entries("blobs")]).toEqual([]);
  });

  it("reports its progress up to the whole archive", async () => {
    await using store = await openStore();
    const progress: (number | undefined)[][] = [];
    await store.import(archive, { onProgress: (now) => progress.push([now.doneBytes, now.totalBytes]) });
    const size = readFileSync(archive).length;
    expect(progress.at(-1)).toEqual([size, size]);
  });

  it("leaves nothing when it is aborted, while another goes on to its end", async () => {
    await using store = await openStore();
    const alone = pausingSource("alone");
    const controller = new AbortController();
    const importing = store.import(alone.source, { signal: controller.signal });
    await alone.paused;
    expect(entries("staging")).toHaveLength(1);
    controller.abort(new Error("enough"));
    await expect(importing).rejects.toThrow("enough");
    expect([...entries("staging"), ...entries("locks"), ...entries("blobs")]).toEqual([]);

    const shared = pausingSource("shared");
    const impatient = new AbortController();
    const both = [store.import(shared.source, { signal: impatient.signal }), store.import(shared.source)];
    await shared.paused;
    impatient.abort(new Error("enough"));
    await expect(both[0]).rejects.toThrow("enough");
    shared.resume();
    expect((await both[1])?.machine.memory).toBe(256);
    expect([...entries("staging"), ...entries("locks")]).toEqual([]);
  });

  it("is aborted when the store is closed", async () => {
    const store = await openStore();
    const { source, paused } = pausingSource("closing");
    const importing = store.import(source).catch(() => "aborted");
    await paused;
    await store[Symbol.asyncDispose]();
    expect(await importing).toBe("aborted");
    expect(entries("staging")).toEqual([]);
  });

  it("leaves nothing after kill -9 once the store is opened again, and can be done then", async () => {
    const script = join(import.meta.dirname, "importing-process.ts");
    const child = spawn(process.execPath, [script, directory, archive], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    expect(entries("staging")).toHaveLength(1);
    {
      // While the process lives, what it does is left alone.
      await using _store = await openStore();
      expect(entries("staging")).toHaveLength(1);
      expect(entries("locks")).toHaveLength(1);
    }
    child.kill("SIGKILL");
    await once(child, "exit");
    await using store = await openStore();
    expect([...entries("staging"), ...entries("locks"), ...entries("blobs")]).toEqual([]);
    const { source, resume } = pausingSource("the same archive");
    resume();
    expect((await store.import(source)).machine.memory).toBe(256);
  });

  it("takes over from an importer that dies while others wait for it", async () => {
    await using store = await openStore();
    const script = join(import.meta.dirname, "importing-process.ts");
    const child = spawn(process.execPath, [script, directory, archive], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const { source, resume } = pausingSource("the same archive");
    resume();
    const importing = store.import(source);
    child.kill("SIGKILL");
    expect((await importing).machine.memory).toBe(256);
  });
});

describe("names", () => {
  it("finds an image by name, digest and the start of a digest", async () => {
    await using store = await openStore();
    const { digest } = await store.import(archive, { tag: "debian" });
    for (const reference of ["debian", digest, digest.slice(0, 13), digest.slice(7, 13), digest.slice(7)]) {
      expect((await store.inspect(reference)).digest).toBe(digest);
    }
    await expect(store.inspect("fedora")).rejects.toMatchObject({ code: "image-not-found", blame: "task" });
    await expect(store.inspect(`sha256:${"0".repeat(64)}`)).rejects.toMatchObject({ code: "image-not-found" });
    await expect(store.inspect("../blobs")).rejects.toMatchObject({ code: "image-reference-invalid" });
  });

  it("moves a name to another image, and refuses one that is none before importing", async () => {
    const zstd = new CountingZstd();
    await using store = await openStore(zstd);
    await store.import(archive, { tag: "debian" });
    const other = await store.import(otherArchive, { tag: "debian" });
    expect((await store.inspect("debian")).digest).toBe(other.digest);
    expect((await store.list()).map(({ tags }) => tags).sort()).toEqual([[], ["debian"]]);
    await expect(store.import(archive, { tag: "../x" })).rejects.toMatchObject({ code: "image-reference-invalid" });
    expect(zstd.unpacked).toBe(2);
  });

  it("refuses the start of two digests", async () => {
    await using store = await openStore();
    await store.import(archive);
    for (const last of ["0", "1"]) mkdirSync(join(directory, "blobs", "abcdef".padEnd(63, "0") + last));
    await expect(store.inspect("abcdef")).rejects.toMatchObject({ code: "image-ambiguous" });
  });

  it("removes one of several names, and the image with the last", async () => {
    await using store = await openStore();
    await store.import(archive, { tag: "one" });
    await store.tag("one", "two");
    expect(await store.remove("one")).toEqual({ removedTags: ["one"], removedImage: false });
    expect(await store.remove("two")).toEqual({ removedTags: ["two"], removedImage: true });
    expect(await store.list()).toEqual([]);
    expect([...entries("blobs"), ...entries("tags"), ...entries("leases"), ...entries("staging")]).toEqual([]);
    await expect(store.remove("two")).rejects.toMatchObject({ code: "image-not-found" });
  });
});

describe("leases", () => {
  it("keep the image until the last one is given back, also from other stores on the directory", async () => {
    await using store = await openStore();
    await using other = await openStore();
    await store.import(archive, { tag: "debian" });
    const first = await store.acquire("debian");
    const second = await other.acquire("debian");
    await expect(other.remove("debian")).rejects.toMatchObject({ code: "image-in-use", details: { leases: 2 } });
    await Promise.all([first[Symbol.asyncDispose](), first[Symbol.asyncDispose]()]);
    await expect(store.remove("debian")).rejects.toMatchObject({ code: "image-in-use" });
    await second[Symbol.asyncDispose]();
    expect((await store.remove("debian")).removedImage).toBe(true);
  });

  it("of dead processes keep nothing", async () => {
    await using store = await openStore();
    const { digest } = await store.import(archive);
    const lease = await store.acquire(digest);
    const [name] = entries(`leases/${digest.slice(7)}`) as [string];
    await lease[Symbol.asyncDispose]();
    // The same process, as if it had been started one clock tick earlier.
    const dead = name.replace(/-(\d+)-/, (_, startTime: string) => `-${Number(startTime) - 1}-`);
    writeFileSync(join(directory, "leases", digest.slice(7), dead), "");
    expect((await store.remove(digest)).removedImage).toBe(true);
  });

  it("are handed out to many at once, and tell when the image was last used", async () => {
    await using store = await openStore();
    const { lastUsed } = await store.import(archive, { tag: "debian" });
    const leases = await Promise.all(Array.from({ length: 10 }, () => store.acquire("debian")));
    expect(entries(`leases/${leases[0]?.image.digest.slice(7)}`)).toHaveLength(10);
    for (const lease of leases) await lease[Symbol.asyncDispose]();
    expect((await store.inspect("debian")).lastUsed.getTime()).toBeGreaterThanOrEqual(lastUsed.getTime());
    expect(entries("locks")).toEqual([]);
  });

  it.each([
    ["the layer", ["machine.json", "disk.img", "layer.qcow2"]],
    ["the disk of an image without layer", ["machine.json", "disk.img"]],
  ])("make overlays on %s that qemu-img finds right and can write to", async (_, files) => {
    await using store = await openStore();
    await using lease = await store
      .import(folder.pack(imageDirectory, ["--format=posix", "-S", ...files]))
      .then(({ digest }) => store.acquire(digest));
    const target = join(folder.path, `overlay-${count}`);
    mkdirSync(target);
    const disk = await lease.createOverlay(target);
    expect(disk).toMatchObject({ format: "qcow2", directBoot: undefined });
    const qemuImg = (...args: string[]) => execFileSync("qemu-img", args, { encoding: "utf8" });
    const info = JSON.parse(qemuImg("info", "--output=json", disk.diskFile));
    const base = files.includes("layer.qcow2") ? "layer.qcow2" : "disk.img";
    expect(info).toMatchObject({
      "virtual-size": 16 * 1_024 * 1_024,
      "full-backing-filename": lease.image.files[base as "disk.img"],
      "backing-filename-format": base === "disk.img" ? "raw" : "qcow2",
    });
    expect(JSON.parse(qemuImg("check", "--output=json", disk.diskFile))).toMatchObject({ "check-errors": 0 });
    expect(qemuImg("compare", "-f", "qcow2", "-F", "raw", disk.diskFile, join(imageDirectory, "disk.img"))).toContain(
      "identical",
    );
    execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 7 1M 1M", disk.diskFile]);
    execFileSync("qemu-io", ["-f", "qcow2", "-c", "read -P 7 1M 1M", disk.diskFile]);
    expect(JSON.parse(qemuImg("check", "--output=json", disk.diskFile))).toMatchObject({ "check-errors": 0 });
    await expect(lease.createOverlay(target)).rejects.toMatchObject({ code: "EEXIST" });
  });

  it("tell the files of direct boot", async () => {
    const bootable = folder.makeImage({ machine: { version: 2, boot: { kernel: "kernel", cmdline: "quiet" } } });
    writeFileSync(join(bootable, "kernel"), "vmlinuz");
    await using store = await openStore();
    const files = ["machine.json", "disk.img", "kernel"];
    const { digest } = await store.import(folder.pack(bootable, ["--format=posix", "-S", ...files]));
    await using lease = await store.acquire(digest);
    const target = join(folder.path, "boot");
    mkdirSync(target);
    const { directBoot } = await lease.createOverlay(target);
    expect(directBoot).toEqual({ kernel: lease.image.files.kernel, initrd: undefined, cmdline: "quiet" });
  });
});
