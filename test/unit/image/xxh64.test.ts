import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Xxh64 } from "../../../src/image/zstd/xxh64.ts";

function hash(...chunks: Uint8Array[]): string {
  const xxh64 = new Xxh64();
  for (const chunk of chunks) xxh64.update(chunk);
  return xxh64.digest32().toString(16).padStart(8, "0");
}

describe("Xxh64", () => {
  it.each([
    ["", "51d8e999"],
    ["a", "a98c6e5b"],
    ["abc", "ad770999"],
    ["Nobody inspects the spammish repetition", "8a378bf1"],
  ])("hashes %j to the published value", (text, expected) => {
    expect(hash(Buffer.from(text))).toBe(expected);
  });

  it("does not depend on how the input is cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (bytes, a, b) => {
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        expect(hash(bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second))).toBe(hash(bytes));
      }),
    );
  });
});
