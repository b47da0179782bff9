import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addWords, checksumOf } from "../../../src/network/packet/checksum.ts";

describe("internet checksum", () => {
  it("gives the result of the example in RFC 1071", () => {
    const bytes = Buffer.from("0001f203f4f5f6f7", "hex");
    expect(checksumOf(addWords(0, bytes))).toBe(~0xddf2 & 0xffff);
  });

  it("pads an odd last byte with zero", () => {
    expect(addWords(0, Buffer.of(0x12, 0x34, 0x56))).toBe(0x1234 + 0x5600);
  });

  it("is zero over data that carries its own checksum", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_000 }), (data) => {
        const bytes = Buffer.concat([Buffer.alloc(2), data]);
        bytes.writeUInt16BE(checksumOf(addWords(0, bytes)));
        expect(checksumOf(addWords(0, bytes))).toBe(0);
      }),
    );
  });

  it("folds the sum of the largest packet", () => {
    expect(checksumOf(addWords(0, Buffer.alloc(65_534, 0xff)))).toBe(0);
  });
});
