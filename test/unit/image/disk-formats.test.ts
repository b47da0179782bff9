import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectFormat } from "../../../src/image/disk-formats/detect-format.ts";
import { judgeVdiMap, parseVdiHeader } from "../../../src/image/disk-formats/vdi.ts";
import { judgeVmdkFooter, parseVmdkHeader } from "../../../src/image/disk-formats/vmdk.ts";
import { judgeVmdkDescriptor } from "../../../src/image/disk-formats/vmdk-descriptor.ts";
import { foreignDisk } from "../../../src/image/disk-role.ts";
import { ImageError } from "../../../src/image/errors.ts";
import {
  goodVdiHeader,
  goodVmdkHeader,
  streamVmdkHeader,
  VDI_BLOCKS,
  VDI_FILE_BYTES,
  VMDK_FILE_BYTES,
  VMDK_SECTORS,
  vdiMap,
  vmdkDescriptor,
  vmdkFooter,
} from "./disk-bytes.ts";

const ROLE = foreignDisk("disk.bin");
const LIMITS = { maxVirtualBytes: 1_024 ** 3 };
type Change = (bytes: Buffer) => unknown;

/** Own errors only, whatever byte is changed. */
function neverCrashes(good: Buffer, judge: (bytes: Buffer) => unknown): void {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        judge(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
      }
    }),
  );
}

describe("parseVmdkHeader", () => {
  const parse = (header: Buffer, fileBytes = VMDK_FILE_BYTES) => parseVmdkHeader(header, fileBytes, LIMITS, ROLE);

  it("takes one sparse file, and one whose tables are at its end", () => {
    expect(parse(goodVmdkHeader())).toEqual({
      virtualBytes: VMDK_SECTORS * 512,
      descriptor: { offset: 512, bytes: 10_240 },
      hasFooter: false,
    });
    expect(parse(streamVmdkHeader())).toMatchObject({ hasFooter: true });
  });

  it.each([
    ["disk-data-file", "stands alone", (h) => h.write("COWD")],
    ["disk-data-file", "names files that have", (h) => h.writeBigUInt64LE(0n, 12)],
    ["disk-features", "version 4", (h) => h.writeUInt32LE(4, 4)],
    ["disk-features", "0x40", (h) => h.writeUInt32LE(0x43, 8)],
    ["disk-features", "compressed in a way nobody", (h) => h.writeUInt16LE(2, 77)],
    ["disk-corrupt", "both that it is compressed", (h) => h.writeUInt16LE(1, 77)],
    ["disk-corrupt", "line ends", (h) => h.write("\n \n\n", 73)],
    ["disk-too-large", "at most 1.0 GiB", (h) => h.writeBigUInt64LE(2_097_153n, 12)],
    ["disk-too-large", "2^62", (h) => h.writeBigUInt64LE(1n << 62n, 12)],
    ["disk-corrupt", "grains have 0", (h) => h.writeBigUInt64LE(0n, 20)],
    ["disk-corrupt", "grains have 129", (h) => h.writeBigUInt64LE(129n, 20)],
    ["disk-corrupt", "grains have 4", (h) => h.writeBigUInt64LE(4n, 20)],
    ["disk-corrupt", "grains have 8192", (h) => h.writeBigUInt64LE(8_192n, 20)],
    ["disk-corrupt", "tables have 0 entries", (h) => h.writeUInt32LE(0, 44)],
    ["disk-corrupt", "tables have 4294967295", (h) => h.writeUInt32LE(0xffff_ffff, 44)],
    ["disk-corrupt", "grain directory lies beyond", (h) => h.writeBigUInt64LE(4_096n, 56)],
    ["disk-corrupt", "grain directory lies in its header", (h) => h.writeBigUInt64LE(0n, 56)],
    ["disk-corrupt", "second grain directory lies beyond", (h) => h.writeBigUInt64LE(1n << 60n, 48)],
    ["disk-corrupt", "descriptor is not in its second", (h) => h.writeBigUInt64LE(9n, 28)],
    ["disk-corrupt", "descriptor has 0 sectors", (h) => h.writeBigUInt64LE(0n, 36)],
    ["disk-corrupt", "descriptor has 129 sectors", (h) => h.writeBigUInt64LE(129n, 36)],
  ] satisfies [string, string, Change][])("refuses %s: %s", (code, message, change) => {
    expect(() => parse(goodVmdkHeader(change))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it("refuses a file that ends before its parts", () => {
    expect(() => parse(goodVmdkHeader(), 8_000)).toThrow("beyond the end");
    expect(() => parse(streamVmdkHeader(), 1_000)).toThrow("cut off");
    expect(() => parse(Buffer.alloc(0), 0)).toThrow("stands alone");
  });

  it("throws nothing but its own errors, whatever it is given", () => {
    neverCrashes(goodVmdkHeader(), parse);
    neverCrashes(streamVmdkHeader(), parse);
  });
});

describe("judgeVmdkFooter", () => {
  const header = streamVmdkHeader();
  const judge = (footer: Buffer) => judgeVmdkFooter(header, footer, VMDK_FILE_BYTES, LIMITS, ROLE);

  it("takes the header's copy that tells where the tables are", () => {
    expect(judge(vmdkFooter(header))).toBeUndefined();
  });

  it.each([
    ["no footer", (f) => f.writeUInt32LE(0, 12)],
    ["no footer", (f) => f.write("XXXX", 512)],
    ["contradict", (f) => f.writeBigUInt64LE(0n, 512 + 12)],
    ["contradict", (f) => f.writeBigUInt64LE(1n << 40n, 512 + 12)],
    ["contradict", (f) => f.writeUInt16LE(0, 512 + 77)],
    ["does not say where", (f) => f.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 512 + 56)],
    ["beyond the end", (f) => f.writeBigUInt64LE(1n << 30n, 512 + 56)],
  ] satisfies [string, Change][])("refuses one that %s", (message, change) => {
    expect(() => judge(vmdkFooter(header, change))).toThrow(
      expect.objectContaining({ code: "disk-corrupt", message: expect.stringContaining(message) }),
    );
  });

  it("throws nothing but its own errors, whatever it is given", () => {
    neverCrashes(vmdkFooter(header), judge);
    expect(() => judge(Buffer.alloc(10))).toThrow(ImageError);
  });
});

describe("judgeVmdkDescriptor", () => {
  const judge = (descriptor: Buffer) => judgeVmdkDescriptor(descriptor, VMDK_SECTORS * 512, ROLE);

  it("takes one that names the file it is in", () => {
    expect(judge(vmdkDescriptor())).toBeUndefined();
    expect(judge(vmdkDescriptor({ createType: "streamOptimized", parentCID: "" }))).toBeUndefined();
  });

  it.each([
    ["disk-backing-file", "parentfilenamehint", vmdkDescriptor({ parentFileNameHint: '"/etc/shadow"' })],
    ["disk-backing-file", "parentfilenamehint", vmdkDescriptor({}, '\0\0parentFileNameHint="/etc/shadow"')],
    ["disk-backing-file", "a parent", vmdkDescriptor({ parentCID: "12345678" })],
    ["disk-backing-file", "a parent", vmdkDescriptor({}, "parentCID=00000000\n")],
    ["disk-data-file", "changetrackpath", vmdkDescriptor({ changeTrackPath: '"x-ctk.vmdk"' })],
    ["disk-data-file", "monolithicflat", vmdkDescriptor({ createType: '"monolithicFlat"' })],
    ["disk-data-file", 'type ""', vmdkDescriptor({ createType: "" })],
    ["disk-data-file", "twogbmaxextentsparse", vmdkDescriptor({ createType: "twoGbMaxExtentSparse" })],
    ["disk-data-file", "another kind", vmdkDescriptor({ extent: `RW ${VMDK_SECTORS} FLAT "/etc/shadow" 0` })],
    ["disk-data-file", "several files", vmdkDescriptor({}, `RW ${VMDK_SECTORS} SPARSE "/etc/shadow"\n`)],
    ["disk-data-file", "several files", vmdkDescriptor({ extent: "" })],
    ["disk-corrupt", "different sizes", vmdkDescriptor({ extent: 'RW 512 SPARSE "disk.vmdk"' })],
  ])("refuses %s: %s", (code, message, descriptor) => {
    expect(() => judge(descriptor)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it("throws nothing but its own errors, whatever it is given", () => {
    neverCrashes(vmdkDescriptor(), judge);
  });
});

describe("parseVdiHeader", () => {
  const parse = (header: Buffer, fileBytes = VDI_FILE_BYTES) => parseVdiHeader(header, fileBytes, LIMITS, ROLE);

  it("takes a dynamic disk and a static one", () => {
    expect(parse(goodVdiHeader())).toEqual({
      virtualBytes: VDI_BLOCKS * 1_024 ** 2,
      blocks: VDI_BLOCKS,
      allocatedBlocks: 2,
      map: { offset: 512, bytes: 256 },
    });
    expect(parse(goodVdiHeader((h) => h.writeUInt32LE(2, 0x4c))).blocks).toBe(VDI_BLOCKS);
  });

  it.each([
    ["disk-other-format", "no vdi", (h) => h.writeUInt32LE(0, 0x40)],
    ["disk-features", "version 1.2", (h) => h.writeUInt32LE(0x0001_0002, 0x44)],
    ["disk-backing-file", "type 3", (h) => h.writeUInt32LE(3, 0x4c)],
    ["disk-backing-file", "type 4", (h) => h.writeUInt32LE(4, 0x4c)],
    ["disk-backing-file", "difference to a parent", (h) => h.writeUInt8(1, 0x1a8)],
    ["disk-backing-file", "difference to a parent", (h) => h.writeUInt8(1, 0x1c7)],
    ["disk-too-large", "at most 1.0 GiB", (h) => h.writeBigUInt64LE(1n << 31n, 0x170)],
    ["disk-too-large", "2^53", (h) => h.writeBigUInt64LE(1n << 63n, 0x170)],
    ["disk-corrupt", "no bytes", (h) => h.writeBigUInt64LE(0n, 0x170)],
    ["disk-corrupt", "sectors have 4096", (h) => h.writeUInt32LE(4_096, 0x168)],
    ["disk-corrupt", "blocks have 0", (h) => h.writeUInt32LE(0, 0x178)],
    ["disk-features", "more than data", (h) => h.writeUInt32LE(512, 0x17c)],
    ["disk-corrupt", "has 63 blocks", (h) => h.writeUInt32LE(63, 0x180)],
    ["disk-corrupt", "has 4294967295 blocks", (h) => h.writeUInt32LE(0xffff_ffff, 0x180)],
    ["disk-corrupt", "65 of 64", (h) => h.writeUInt32LE(65, 0x184)],
    ["disk-corrupt", "not aligned", (h) => h.writeUInt32LE(513, 0x154)],
    ["disk-corrupt", "not aligned", (h) => h.writeUInt32LE(1_025, 0x158)],
    ["disk-corrupt", "lies in its header", (h) => h.writeUInt32LE(0, 0x154)],
    ["disk-corrupt", "lies in its data", (h) => h.writeUInt32LE(512, 0x158)],
    ["disk-corrupt", "cut off", (h) => h.writeUInt32LE(512 * 8_000, 0x158)],
    ["disk-corrupt", "cut off", (h) => h.writeUInt32LE(4, 0x184)],
  ] satisfies [string, string, Change][])("refuses %s: %s", (code, message, change) => {
    expect(() => parse(goodVdiHeader(change))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it("throws nothing but its own errors, whatever it is given", () => {
    neverCrashes(goodVdiHeader(), parse);
    expect(() => parse(Buffer.alloc(3))).toThrow(ImageError);
  });
});

describe("judgeVdiMap", () => {
  const header = parseVdiHeader(goodVdiHeader(), VDI_FILE_BYTES, LIMITS, ROLE);

  it("takes blocks that have places of their own, and blocks that have none", () => {
    expect(judgeVdiMap(vdiMap(1, 0xffff_fffe, 0), header, ROLE)).toBeUndefined();
  });

  it.each([
    ["where another one is", vdiMap(0, 0)],
    ["beyond those in use", vdiMap(2)],
    ["beyond those in use", vdiMap(0xffff_fffd)],
    ["cut off", vdiMap().subarray(0, 100)],
  ])("refuses a block %s", (message, map) => {
    expect(() => judgeVdiMap(map, header, ROLE)).toThrow(
      expect.objectContaining({ code: "disk-corrupt", message: expect.stringContaining(message) }),
    );
  });
});

describe("detectFormat", () => {
  it("knows the formats that are no raw disks", () => {
    expect(detectFormat(goodVmdkHeader())).toBe("vmdk");
    expect(detectFormat(goodVdiHeader())).toBe("vdi");
    expect(detectFormat(vmdkDescriptor())).toBe("vmdk");
    expect(detectFormat(Buffer.alloc(512))).toBeUndefined();
    expect(detectFormat(Buffer.alloc(0))).toBeUndefined();
  });
});
