import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineSplitter } from "../../../../src/builder/machine/line-splitter.ts";

function split(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return lines;
}

describe("LineSplitter", () => {
  it("gives the same lines however they come in pieces", () => {
    const line = fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[\r\n]/g, ""));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.integer({ min: 1, max: 9 }), (lines, size) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        expect(split(...pieces)).toEqual(lines);
      }),
    );
  });

  it("takes what a line came to where it was written over, and the end without a line break", () => {
    expect(split("10 %\r50 %\r100 %\r\nmore\r\n", "rest")).toEqual(["100 %", "more", "rest"]);
  });

  it("keeps no more of a guest that never ends its line than a line may have", () => {
    const lines = split("x".repeat(10_000), "\n");
    expect(lines.map((line) => line.length)).toEqual([4_096, 4_096, 1_808]);
  });
});
