import { describe, expect, it } from "vitest";
import { judgeBootFiles, judgeLayer, judgeRawDisk } from "../../../src/image/policy.ts";
import { parseQcow2Header } from "../../../src/image/qcow2-header.ts";
import { goodLayer, layerWith, layerWithExtensions } from "./qcow2-bytes.ts";

const LIMITS = { maxVirtualBytes: 50 * 1_024 ** 3 };
const RAW = [0xe2792aca, "raw"] as const;

function codes(layer: Buffer): string[] {
  return judgeLayer(parseQcow2Header(layer), LIMITS).map(({ code }) => code);
}

function withFeature(bit: number): Buffer {
  return layerWith((bytes) => bytes.writeBigUInt64BE(1n << BigInt(bit), 72));
}

describe("judgeLayer", () => {
  it("accepts a layer on disk.img, and features that stay inside of the file", () => {
    expect(codes(goodLayer())).toEqual([]);
    expect(codes(withFeature(3))).toEqual([]);
    expect(codes(withFeature(4))).toEqual([]);
  });

  it.each(["/disk.img", "./disk.img", "disk.im", "../disk.img", "json:{}", "nbd://x/"])(
    "refuses the backing file %s",
    (name) => {
      const layer = layerWith((bytes) => {
        const offset = Number(bytes.readBigUInt64BE(8));
        bytes.fill(0, offset, offset + 8);
        bytes.write(name, offset);
        bytes.writeUInt32BE(name.length, 16);
      });
      expect(codes(layer)).toEqual(["layer-backing-file"]);
    },
  );

  it("refuses a layer without backing file", () => {
    expect(codes(layerWith((bytes) => bytes.fill(0, 8, 20)))).toEqual(["layer-backing-file"]);
  });

  it("refuses another backing format, and one that QEMU would guess", () => {
    expect(codes(layerWithExtensions([[0xe2792aca, "qcow2"]]))).toEqual(["layer-backing-format"]);
    expect(codes(layerWithExtensions([]))).toEqual(["layer-backing-format"]);
  });

  it.each([
    ["an external data file", "layer-data-file", withFeature(2)],
    ["the name of a data file without the feature", "layer-data-file", layerWithExtensions([RAW, [0x44415441, "x"]])],
    ["the dirty bit", "layer-dirty", withFeature(0)],
    ["the corrupt bit", "layer-corrupt", withFeature(1)],
    ["an unknown feature", "layer-features", withFeature(17)],
    ["AES", "layer-encrypted", layerWith((bytes) => bytes.writeUInt32BE(1, 32))],
    ["a LUKS header", "layer-encrypted", layerWithExtensions([RAW, [0x0537be77, "0123456789abcdef"]])],
    ["internal snapshots", "layer-snapshots", layerWith((bytes) => bytes.writeUInt32BE(2, 60))],
    ["a virtual size over the limit", "layer-too-large", goodLayer(50 * 1_024 ** 3 + 512)],
  ])("refuses %s", (_, code, layer) => {
    expect(codes(layer)).toEqual([code]);
  });

  it.each([
    [
      "clusters too small for subclusters",
      "are too small to be divided",
      (bytes) => {
        bytes.writeBigUInt64BE(1n << 4n, 72);
        bytes.writeUInt32BE(12, 20);
      },
    ],
    ["an L1 table that is too short", "its size needs 2", (bytes) => bytes.writeUInt32BE(1, 36)],
    ["an L1 table of 32 GiB", "L1 table has 4294967295 entries", (bytes) => bytes.writeUInt32BE(0xffff_ffff, 36)],
    ["an L1 table in the header", "L1 table lies in its header", (bytes) => bytes.writeBigUInt64BE(0n, 40)],
    ["an L1 table amid a cluster", "L1 table is not at the start", (bytes) => bytes.writeBigUInt64BE(196_616n, 40)],
    ["an L1 table beyond the end", "L1 table lies beyond", (bytes) => bytes.writeBigUInt64BE(1n << 40n, 40)],
    ["reference counts of 2^7 bits", "reference counts have 2^7 bits", (bytes) => bytes.writeUInt32BE(7, 96)],
    ["no reference counts", "has no table of reference counts", (bytes) => bytes.writeUInt32BE(0, 56)],
    [
      "too many reference counts",
      "reference counts has 281474976645120",
      (bytes) => bytes.writeUInt32BE(0xffff_ffff, 56),
    ],
    ["reference counts in the header", "counts lies in its header", (bytes) => bytes.writeBigUInt64BE(0n, 48)],
    ["reference counts amid a cluster", "counts is not at the start", (bytes) => bytes.writeBigUInt64BE(65_540n, 48)],
    ["reference counts beyond the end", "counts lies beyond", (bytes) => bytes.writeBigUInt64BE(1n << 40n, 48)],
    ["a compression type without its feature", "compression type is set", (bytes) => bytes.writeUInt8(1, 104)],
  ] satisfies [string, string, (bytes: Buffer) => unknown][])("refuses %s", (_, message, change) => {
    const header = parseQcow2Header(layerWith(change));
    const refusals = judgeLayer(header, { ...LIMITS, fileBytes: 4 * 65_536 });
    expect(refusals.map(({ code }) => code)).toContain("layer-corrupt");
    expect(refusals.map(({ message }) => message).join("\n")).toContain(message);
  });

  it.each([
    ["layer-features", "type 2", (bytes) => bytes.writeUInt8(2, 104)],
    ["layer-bitmaps", "bitmaps", (bytes) => bytes.writeBigUInt64BE(1n, 88)],
    ["layer-data-file", "another file", (bytes) => bytes.writeBigUInt64BE(2n, 88)],
  ] satisfies [string, string, (bytes: Buffer) => unknown][])("refuses %s told by %s", (code, message, change) => {
    const refusals = judgeLayer(parseQcow2Header(layerWith(change)), LIMITS);
    expect(refusals).toMatchObject([{ code, message: expect.stringContaining(message) }]);
  });

  it("refuses the bitmaps extension", () => {
    expect(codes(layerWithExtensions([RAW, [0x23852875, "123456789012345678901234"]]))).toEqual(["layer-bitmaps"]);
  });

  it("wants the layer of a child on the disk of its parent, and not smaller than that", () => {
    const layer = layerWithExtensions([[0xe2792aca, "qcow2"]], "parent/layer.qcow2");
    const base = { file: "parent/layer.qcow2", format: "qcow2" } as const;
    const judge = (minVirtualBytes: number) =>
      judgeLayer(parseQcow2Header(layer), { ...LIMITS, base: { ...base, minVirtualBytes } }).map(({ code }) => code);
    expect(judge(1_024 ** 3)).toEqual([]);
    expect(judge(1_024 ** 3 + 512)).toEqual(["layer-smaller-than-parent"]);
    expect(codes(layer)).toEqual(["layer-backing-file", "layer-backing-format"]);
  });

  it("tells every rule that is broken", () => {
    const layer = layerWith((bytes) => {
      bytes.writeBigUInt64BE(3n, 72);
      bytes.writeUInt32BE(1, 60);
    });
    expect(codes(layer)).toEqual(["layer-dirty", "layer-corrupt", "layer-snapshots"]);
  });
});

describe("judgeRawDisk", () => {
  it("accepts boot sectors, file systems and nothing at all", () => {
    const bootSector = Buffer.alloc(512);
    bootSector.writeUInt16BE(0x55aa, 510);
    for (const start of [bootSector, Buffer.alloc(512), Buffer.alloc(0)]) expect(judgeRawDisk(start)).toEqual([]);
  });

  it.each(["QFI\xfb", "KDMV", "conectix", "vhdxfile", "LUKS\xba\xbe", "# Disk DescriptorFile"])(
    "refuses what starts with %j",
    (signature) => {
      const start = Buffer.concat([Buffer.from(signature, "latin1"), Buffer.alloc(500)]);
      expect(judgeRawDisk(start).map(({ code }) => code)).toEqual(["disk-not-raw"]);
    },
  );
});

describe("judgeBootFiles", () => {
  const files = new Set(["machine.json", "disk.img", "kernel"]);

  it("accepts a machine that boots from its disk, and one whose kernel is there", () => {
    expect(judgeBootFiles({ version: 2 }, files)).toEqual([]);
    expect(judgeBootFiles({ version: 2, boot: { kernel: "kernel" } }, files)).toEqual([]);
  });

  it("refuses boot files that are missing or have other names", () => {
    const verdicts = judgeBootFiles({ version: 2, boot: { kernel: "disk.img", initrd: "initrd" } }, files);
    expect(verdicts.map(({ message }) => message)).toEqual([
      'machine.json: boot.kernel is "disk.img"; the file must be named "kernel"',
      "machine.json: boot.initrd names a file that is not in the archive",
    ]);
  });
});
