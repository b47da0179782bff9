import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/image/archive/format.ts";
import { importDisk } from "../../../src/image/disk-formats/import-disk.ts";
import { check, convert, type DiskFormat, info, makeLayer } from "../../../src/image/qemu-img.ts";
import { createOverlay } from "../../../src/qcow2/create-overlay.ts";
import { ArchiveFolder, MIB, sha256Of } from "./archives.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());

const LIMITS = { ...DEFAULT_LIMITS, reserveBytes: 0 };
const RAW = join(folder.makeImage(), "disk.img");
let count = 0;
const fresh = (suffix: string) => join(folder.path, `disk-${count++}.${suffix}`);

function made(format: DiskFormat, options: readonly string[] = []): string {
  const file = fresh(format);
  execFileSync("qemu-img", ["convert", "-f", "raw", "-O", format, ...options, RAW, file]);
  return file;
}

describe("importDisk", () => {
  it.each([
    ["raw", []],
    ["qcow2", []],
    ["qcow2", ["-c"]],
    ["qcow2", ["-o", "compat=0.10"]],
    ["qcow2", ["-o", "extended_l2=on"]],
    ["qcow2", ["-c", "-o", "compression_type=zstd"]],
    ["vmdk", []],
    ["vmdk", ["-o", "subformat=streamOptimized"]],
    ["vdi", []],
    ["vdi", ["-o", "static=on"]],
  ] satisfies [DiskFormat, string[]][])("makes a raw disk of %s %j", async (format, options) => {
    const target = fresh("raw");
    const { virtualBytes } = await importDisk(made(format, options), format, target, { limits: LIMITS });
    expect(virtualBytes).toBe(16 * MIB);
    expect(sha256Of(target)).toBe(sha256Of(RAW));
    expect(statSync(target).blocks * 512).toBeLessThan(2 * MIB);
  });

  async function refusalOf(file: string, format: DiskFormat, limits = LIMITS): Promise<unknown> {
    const target = fresh("refused");
    const error = await importDisk(file, format, target, { limits }).then(
      () => "accepted",
      (error: unknown) => error,
    );
    expect(existsSync(target)).toBe(false);
    return error;
  }

  it("never guesses, and tells where a file contradicts what it is said to be", async () => {
    const message = expect.stringContaining("is a vmdk file, and it is said to be raw");
    expect(await refusalOf(made("vmdk"), "raw")).toMatchObject({ code: "disk-other-format", message });
    expect(await refusalOf(RAW, "qcow2")).toMatchObject({ code: "disk-other-format" });
    expect(await refusalOf(made("qcow2"), "vdi")).toMatchObject({ code: "disk-other-format" });
    expect(await refusalOf("/dev/null", "raw")).toMatchObject({ code: "disk-other-format" });
  });

  it("refuses what reaches for other files, without opening any", async () => {
    const flat = fresh("vmdk");
    execFileSync("qemu-img", ["create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat", flat, "1M"]);
    expect(await refusalOf(flat, "vmdk")).toMatchObject({ code: "disk-data-file" });
    const onBase = fresh("qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw", onBase, "1M"]);
    expect(await refusalOf(onBase, "qcow2")).toMatchObject({
      code: "disk-backing-file",
      message: expect.stringContaining('"/etc/shadow"'),
    });
    const onParent = fresh("vmdk");
    execFileSync("qemu-img", ["create", "-q", "-f", "vmdk", "-b", made("vmdk"), "-F", "vmdk", onParent]);
    expect(await refusalOf(onParent, "vmdk")).toMatchObject({ code: "disk-backing-file" });
    const split = fresh("qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-o", `data_file=${fresh("raw")}`, split, "1M"]);
    expect(await refusalOf(split, "qcow2")).toMatchObject({ code: "disk-data-file" });
  });

  it("refuses disks over the limit, and empty ones", async () => {
    for (const format of ["raw", "qcow2", "vmdk", "vdi"] as const) {
      const limits = { ...LIMITS, maxFileBytes: 15 * MIB };
      expect(await refusalOf(made(format), format, limits)).toMatchObject({ code: "disk-too-large" });
    }
    expect(await refusalOf(folder.file("empty.raw", Buffer.alloc(0)), "raw")).toMatchObject({ code: "disk-corrupt" });
  });

  it("refuses tables that contradict each other, and leaves nothing of a disk that cannot be read", async () => {
    const twice = made("qcow2");
    const bytes = readFileSync(twice);
    const l2 = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n);
    bytes.copy(bytes, l2 + 8, l2, l2 + 8);
    writeFileSync(twice, bytes);
    expect(await refusalOf(twice, "qcow2")).toMatchObject({
      code: "disk-corrupt",
      message: expect.stringContaining("ERROR"),
    });
    const cut = made("vmdk", ["-o", "subformat=streamOptimized"]);
    const whole = readFileSync(cut);
    whole.fill(0xff, 128 * 512, 128 * 512 + 4_096);
    writeFileSync(cut, whole);
    expect(await refusalOf(cut, "vmdk")).toMatchObject({ code: "disk-corrupt" });
  });

  it("refuses to fill the disk", async () => {
    const limits = { ...LIMITS, reserveBytes: 2 ** 60 };
    expect(await refusalOf(made("vdi"), "vdi", limits)).toMatchObject({ code: "disk-space-low", blame: "host" });
  });
});

describe("qemu-img", () => {
  it("makes a layer of what a disk has other than its base", async () => {
    const base = { file: RAW, format: "raw" } as const;
    const changed = { file: fresh("qcow2"), format: "qcow2" } as const;
    await createOverlay(changed.file, { virtualBytes: 32 * MIB, backingFile: RAW, backingFormat: "raw" });
    execFileSync("qemu-io", [
      "-c",
      "write -P 7 1M 64k",
      "-c",
      "write -z 5M 1M",
      "-c",
      "write -P 8 20M 64k",
      changed.file,
    ]);
    const whole = { file: fresh("raw"), format: "raw" } as const;
    await convert(changed.file, whole.file, { from: "qcow2", to: "raw", chain: true, maxBytes: 32 * MIB });

    for (const source of [changed, whole]) {
      const layer = fresh("qcow2");
      await makeLayer(source, layer, { base, backing: "parent/disk.img", maxBytes: 32 * MIB });
      expect(await info({ file: layer, format: "qcow2" })).toMatchObject({
        virtualBytes: 32 * MIB,
        backingFile: "parent/disk.img",
      });
      expect(await check(layer)).toEqual({ hasLeaks: false });
      expect(statSync(layer).size).toBeLessThan(3 * MIB);
      const back = fresh("raw");
      execFileSync("qemu-img", ["rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", RAW, layer]);
      await convert(layer, back, { from: "qcow2", to: "raw", chain: true, maxBytes: 32 * MIB });
      expect(sha256Of(back)).toBe(sha256Of(whole.file));
    }
  });

  it("ends with whoever gave up on it, and leaves nothing", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    const target = fresh("raw");
    const converting = convert(made("qcow2"), target, { from: "qcow2", to: "raw", maxBytes: MIB, signal });
    await expect(converting).rejects.toThrow("enough");
    expect(readdirSync(folder.path)).not.toContain(target);
  });

  it("is ended where it writes more than it may, and by the clock", async () => {
    const full = folder.file("full.raw", Buffer.alloc(80 * MIB, "x"));
    const target = fresh("raw");
    const large = convert(full, target, { from: "raw", to: "raw", maxBytes: MIB });
    await expect(large).rejects.toMatchObject({ code: "disk-limits" });
    const slow = convert(full, target, { from: "raw", to: "raw", maxBytes: 80 * MIB, timeoutMs: 1 });
    await expect(slow).rejects.toMatchObject({ code: "disk-limits" });
    expect(existsSync(target)).toBe(false);
  });
});
