import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ImageError } from "../../../src/image/errors.ts";
import { parseQcow2Header } from "../../../src/image/qcow2-header.ts";
import { goodLayer, layerWith, layerWithExtensions } from "./qcow2-bytes.ts";

describe("parseQcow2Header", () => {
  it("reads a header of version 3 with its extensions", () => {
    expect(parseQcow2Header(goodLayer())).toEqual({
      version: 3,
      virtualBytes: 1_024 ** 3,
      backingFile: "disk.img",
      backingFormat: "raw",
      dataFile: undefined,
      encryptionMethod: 0,
      hasEncryptionHeader: false,
      snapshots: 0,
      hasBitmaps: false,
      incompatibleFeatures: 0n,
      autoclearFeatures: 0n,
      clusterBits: 16,
      l1: { offset: 3 * 65_536, entries: 2 },
      refcounts: { offset: 65_536, clusters: 1, order: 4 },
      compressionType: 0,
      headerBytes: 112,
    });
  });

  it("reads a header of version 2, whose extensions start earlier and which has no features", () => {
    const layer = layerWith((bytes) => {
      bytes.writeUInt32BE(2, 4);
      bytes.copyWithin(72, 112, 200);
      bytes.writeBigUInt64BE(bytes.readBigUInt64BE(8) - 40n, 8);
    });
    expect(parseQcow2Header(layer)).toMatchObject({
      version: 2,
      backingFile: "disk.img",
      backingFormat: "raw",
      incompatibleFeatures: 0n,
    });
  });

  it("finds an external data file and an encryption header among the extensions", () => {
    const layer = layerWithExtensions([
      [0x6803f857, "some feature names"],
      [0x44415441, "/etc/shadow"],
      [0x0537be77, "0123456789abcdef"],
    ]);
    expect(parseQcow2Header(layer)).toMatchObject({
      dataFile: "/etc/shadow",
      hasEncryptionHeader: true,
      backingFormat: undefined,
      backingFile: "disk.img",
    });
  });

  it.each([
    ["another magic", "layer-not-qcow2", layerWith((bytes) => bytes.write("KDMV"))],
    ["an empty file", "layer-not-qcow2", Buffer.alloc(0)],
    ["version 4", "layer-not-qcow2", layerWith((bytes) => bytes.writeUInt32BE(4, 4))],
    ["a cut header", "layer-corrupt", goodLayer().subarray(0, 80)],
    ["clusters of 4 GiB", "layer-corrupt", layerWith((bytes) => bytes.writeUInt32BE(32, 20))],
    ["a header length of 8", "layer-corrupt", layerWith((bytes) => bytes.writeUInt32BE(8, 100))],
    [
      "a header that is longer than its cluster",
      "layer-corrupt",
      layerWith((bytes) => bytes.writeUInt32BE(65_544, 100)),
    ],
    ["a header length that is not aligned", "layer-corrupt", layerWith((bytes) => bytes.writeUInt32BE(113, 100))],
    ["a backing file name in the header", "layer-corrupt", layerWith((bytes) => bytes.writeBigUInt64BE(8n, 8))],
    ["an L1 table at 2^63", "layer-corrupt", layerWith((bytes) => bytes.writeUInt8(0x80, 40))],
    ["a table of reference counts at 2^63", "layer-corrupt", layerWith((bytes) => bytes.writeUInt8(0x80, 48))],
    ["a size of 2^63", "layer-corrupt", layerWith((bytes) => bytes.writeUInt8(0x80, 24))],
    ["a backing file name outside", "layer-corrupt", layerWith((bytes) => bytes.writeUInt32BE(65_530, 12))],
    ["a backing file name of 1 MiB", "layer-corrupt", layerWith((bytes) => bytes.writeUInt32BE(1 << 20, 16))],
    ["an extension that is too long", "layer-corrupt", layerWith((bytes) => bytes.writeUInt32BE(1 << 20, 116))],
    [
      "an extension that comes twice",
      "layer-corrupt",
      layerWithExtensions([
        [0xe2792aca, "raw"],
        [0xe2792aca, "qcow2"],
      ]),
    ],
  ])("refuses %s", (_, code, bytes) => {
    expect(() => parseQcow2Header(bytes)).toThrow(expect.objectContaining({ code }));
  });

  it("throws nothing but its own errors, whatever it is given", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, keepMagic) => {
        const bytes = Buffer.from(noise);
        if (keepMagic && bytes.length >= 8) {
          bytes.writeUInt32BE(0x514649fb, 0);
          bytes.writeUInt32BE(3, 4);
        }
        try {
          parseQcow2Header(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ImageError);
        }
      }),
    );
  });
});
