/** `boxcar image diff` of disks that a machine really looks into. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageDiff } from "../../src/builder/inspect/image-diff.ts";
import { ArchiveFolder } from "../integration/image/archives.ts";
import { Boxcar } from "./boxcar.ts";

const MIB = 1_048_576;
const folder = new ArchiveFolder();
let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function diff(...args: string[]): Promise<{ exitCode: number | undefined; found: ImageDiff }> {
  const { exitCode, stdout, stderr } = await boxcar.run(["image", "diff", "--json", ...args]);
  expect(stdout, stderr).not.toBe("");
  return { exitCode, found: JSON.parse(stdout) };
}

function debugfs(disk: string, commands: readonly string[]): Promise<unknown> {
  return execa("/usr/sbin/debugfs", ["-w", "-f", "-", disk], { input: `${commands.join("\n")}\n` });
}

/** The default image with other files, of another machine, whose packages nobody has written down. */
async function changeDefaultImage(): Promise<string> {
  const [sha256 = ""] = await readdir(join(boxcar.images, "blobs"));
  const blob = join(boxcar.images, "blobs", sha256);
  const names = ["machine.json", "disk.img", "kernel", "initrd", "image.json"];
  const image = join(boxcar.directory, "changed");
  await mkdir(image);
  for (const name of names) await execa("cp", ["--sparse=always", join(blob, name), join(image, name)]);
  const disk = join(image, "disk.img");
  await execa("chmod", ["-R", "u+w", image]);
  await writeFile(join(image, "new"), "new");
  // As long as it was, and with the same time: only what is in it tells.
  await execa("/usr/sbin/debugfs", ["-R", `dump /etc/debian_version ${join(image, "version")}`, disk]);
  const version = await readFile(join(image, "version"), "utf8");
  await writeFile(join(image, "version"), "9".repeat(version.length));
  const { stdout } = await execa("/usr/sbin/debugfs", ["-R", "stat /etc/debian_version", disk]);
  const mtime = /mtime: 0x([0-9a-f]+)/.exec(stdout)?.[1] ?? "";
  await debugfs(disk, [
    "mkdir /opt/tool",
    ...["a", "b"].map((name) => `write ${join(image, "new")} /opt/tool/${name}`),
    `write ${join(image, "new")} "/opt/\u001b[2J"`,
    "rm /etc/issue",
    "sif /etc/passwd mode 0100600",
    "sif /etc/group uid 7",
    "rm /etc/debian_version",
    `write ${join(image, "version")} /etc/debian_version`,
    `sif /etc/debian_version mtime @0x${mtime}`,
    "sif /etc/debian_version mode 0100644",
  ]);
  const provenance = JSON.parse(await readFile(join(image, "image.json"), "utf8"));
  await writeFile(join(image, "image.json"), JSON.stringify({ ...provenance, packages: undefined }));
  const machine = JSON.parse(await readFile(join(image, "machine.json"), "utf8"));
  await writeFile(join(image, "machine.json"), JSON.stringify({ ...machine, memory: 777 }));
  const archive = join(boxcar.directory, "changed.tar.zst");
  await execa("tar", ["-cSf", archive, "--format=posix", "-I", "zstd -1 -T2", "-C", image, ...names]);
  return archive;
}

describe("boxcar image diff", () => {
  it("finds all that was changed in a real image, and nothing else", async () => {
    const imported = await boxcar.run(["image", "import", await changeDefaultImage(), "--tag", "changed"]);
    expect(imported.exitCode, imported.stderr).toBe(0);
    const { exitCode, found } = await diff("debian-minimal", "changed");
    expect(exitCode).toBe(1);
    expect(found.machine).toEqual([expect.objectContaining({ field: "memory", b: "777" })]);
    expect(found).toMatchObject({ same: false, relation: "none", boot: [], provenance: [] });
    expect(found.packages).toMatchObject({ from: { a: "image.json", b: "dpkg" }, added: [], changed: [] });
    expect(found.packages?.same).toBeGreaterThan(50);
    const shown = await boxcar.run(["image", "show", "changed", "--packages", "--json"]);
    expect(JSON.parse(shown.stdout)).toMatchObject({ source: "dpkg" });
    expect(JSON.parse(shown.stdout).packages).toHaveLength(found.packages?.same ?? 0);
    expect(found.files?.added.map(({ path }) => path)).toEqual([
      "/opt/\u001b[2J",
      "/opt/tool",
      "/opt/tool/a",
      "/opt/tool/b",
    ]);
    expect(found.files?.removed.map(({ path }) => path)).toEqual(["/etc/issue"]);
    expect(found.files?.changed).toEqual([
      { path: "/etc/debian_version", differences: [{ field: "content" }] },
      { path: "/etc/group", differences: [{ field: "owner", a: "0:0", b: "7:0" }] },
      { path: "/etc/passwd", differences: [{ field: "mode", a: "0644", b: "0600" }] },
    ]);
    expect(found.files?.same).toBeGreaterThan(5_000);
    expect(found.files).toMatchObject({ volumes: [], troubles: [] });
  });

  it("says of one image that it is the same, without a machine", async () => {
    const { exitCode, stdout, stderr } = await boxcar.run(["image", "diff", "debian-minimal", "debian-minimal"]);
    expect(stdout).toContain("They are one image.");
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  it("looks into partitions, and says what it cannot look into", async () => {
    const whole = await tinyImage("whole", async (disk) => {
      await makeFileSystem(disk, 0, { etc: { motd: "hello" }, data: { a: "1" } });
      // As a machine that was switched off leaves it.
      await debugfs(disk, ["feature needs_recovery"]);
    });
    const parts = await tinyImage("parts", async (disk) => {
      await makeFileSystem(disk, 4, { etc: { motd: "hallo" }, data: { a: "1" } });
      await makeFileSystem(disk, 8, { damaged: {} });
      await execa("dd", [`of=${disk}`, "if=/dev/urandom", "bs=4096", "seek=2049", "count=200", "conv=notrunc"]);
      await writePartitions(disk, [
        [1, 2, 0x82],
        [4, 4, 0x83],
        [8, 4, 0x83],
      ]);
    });
    const { exitCode, found } = await diff(whole, parts, "--files");
    expect(exitCode).toBe(1);
    expect(found.machine).toBeUndefined();
    expect(found.files?.changed).toContainEqual({ path: "/etc/motd", differences: [{ field: "content" }] });
    expect(found.files?.changed.map(({ path }) => path)).not.toContain("/data/a");
    expect(found.files?.volumes.map(({ partition, a, b }) => [partition, a?.type, b?.type])).toEqual([
      [0, "ext4", undefined],
      [1, undefined, "unknown"],
      [2, undefined, "ext4"],
      [3, undefined, "ext4"],
    ]);
    expect(found.files?.troubles[0]).toMatch(/^B: partition 1 \(unknown\): there is no file system that is known here/);
    expect(found.files?.troubles[1]).toMatch(/^B: partition 3 /);
  });

  it("says what a layer has made of the image below it, also of an archive whose parent is in the store", async () => {
    const parent = await tinyImage("parent", (disk) => makeFileSystem(disk, 0, { etc: { motd: "hello" } }));
    const imported = await boxcar.run(["image", "import", parent, "--tag", "parent", "--json"]);
    const { digest } = JSON.parse(imported.stdout);
    const child = await layerOn(digest, join(boxcar.images, "blobs", digest.slice("sha256:".length)));
    const { exitCode, stdout } = await boxcar.run(["image", "diff", "parent", child, "--files", "--packages"]);
    expect(stdout).toMatch(/^B is a layer on A: .*$/m);
    expect(stdout).toMatch(/^Packages: nobody knows which are in A and B$/m);
    expect(stdout).toMatch(/^Files: 0 added, 0 removed, 1 changed, \d the same\n {2}~ {2}\/etc\/motd {2}content$/m);
    expect(exitCode).toBe(1);
  });

  it.each([
    [["nope", "debian-minimal"], /there is no image "nope" here/],
    [["debian-minimal", "./nope.tar.zst"], /there is no file .*nope\.tar\.zst/],
    [["debian-minimal", "debian-minimal", "--timeout", "soon"], /--timeout: "soon" is no duration/],
    [["debian-minimal"], /missing required argument 'other-image'/],
  ])("tells a mistake in words: %j", async (args, sentence) => {
    const { exitCode, stdout, stderr } = await boxcar.run(["image", "diff", ...args]);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n +at |\bbug\b/);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
  });
});

/** @returns the archive of an image with a disk of 16 MiB. */
async function tinyImage(name: string, fill: (disk: string) => Promise<void>): Promise<string> {
  const image = folder.makeImage();
  await fill(join(image, "disk.img"));
  const archive = join(boxcar.directory, `${name}.tar.zst`);
  await execa("cp", [folder.packImage(image), archive]);
  return archive;
}

/** @returns the archive of a layer in which the greeting is another one. */
async function layerOn(digest: string, blob: string): Promise<string> {
  const image = boxcar.newPath();
  await mkdir(image);
  const disk = join(image, "disk.raw");
  await execa("qemu-img", ["convert", "-O", "raw", join(blob, "layer.qcow2"), disk]);
  const bytes = await readFile(disk);
  bytes.write("hallo", bytes.indexOf("hello"));
  await writeFile(disk, bytes);
  await execa("ln", ["-s", blob, join(image, "parent")]);
  const backing = ["-B", "parent/layer.qcow2", "-F", "qcow2"];
  await execa("qemu-img", ["convert", "-O", "qcow2", ...backing, "disk.raw", "layer.qcow2"], { cwd: image });
  await writeFile(join(image, "machine.json"), JSON.stringify({ version: 2, memory: 256 }));
  await writeFile(join(image, "image.json"), JSON.stringify({ name: "child", parent: { digest } }));
  const archive = join(boxcar.directory, "child.tar.zst");
  const files = ["machine.json", "image.json", "layer.qcow2"];
  await execa("tar", ["-cSf", archive, "--format=posix", "-I", "zstd", "-C", image, ...files]);
  return archive;
}

type Tree = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Of 4 MiB. */
async function makeFileSystem(disk: string, atMiB: number, tree: Tree): Promise<void> {
  const root = boxcar.newPath();
  for (const [name, files] of Object.entries(tree)) {
    await mkdir(join(root, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(root, name, file), text);
  }
  const part = join(dirname(root), `${basename(root)}.ext4`);
  await execa("/usr/sbin/mke2fs", ["-q", "-t", "ext4", "-J", "size=1", "-d", root, part, "4M"]);
  await execa("dd", [`if=${part}`, `of=${disk}`, "bs=1M", `seek=${atMiB}`, "conv=notrunc"]);
}

/** A table of MS-DOS: where each partition begins and how long it is, in MiB, and its kind. */
async function writePartitions(
  disk: string,
  partitions: readonly (readonly [number, number, number])[],
): Promise<void> {
  const sector = Buffer.alloc(512);
  for (const [index, [start, length, kind]] of partitions.entries()) {
    const entry = 446 + 16 * index;
    sector[entry + 4] = kind;
    sector.writeUInt32LE((start * MIB) / 512, entry + 8);
    sector.writeUInt32LE((length * MIB) / 512, entry + 12);
  }
  sector.writeUInt16BE(0x55aa, 510);
  const table = join(boxcar.directory, "table");
  await writeFile(table, sector);
  await execa("dd", [`if=${table}`, `of=${disk}`, "conv=notrunc"]);
}
