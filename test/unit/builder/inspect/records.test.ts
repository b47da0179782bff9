import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InspectionError } from "../../../../src/builder/inspect/errors.ts";
import { MAX_RECORD_BYTES, parseRecord } from "../../../../src/builder/inspect/records.ts";

function parse(text: string) {
  return parseRecord(Buffer.from(text, "latin1"));
}

describe("what boxcar-inspect says", () => {
  it("is understood", () => {
    expect(parse("V1 0 2 1048576 4096 ext4 ")).toEqual({
      kind: "volume",
      disk: 1,
      number: 0,
      volume: { partition: 2, sizeBytes: 1_048_576, usedBytes: 4_096, type: "ext4", obstacle: undefined },
    });
    expect(parse("V0 0 0 512 0 LUKS it is no file system")).toMatchObject({
      volume: { type: "LUKS", obstacle: "it is no file system" },
    });
    expect(parse("E0 f 4755 0 1000 77 -5 2 0:0 usr/bin/ping")).toEqual({
      kind: "entry",
      volume: 0,
      path: "usr/bin/ping",
      facts: { type: "file", mode: 0o4755, uid: 0, gid: 1_000, sizeBytes: 77, links: 2 },
    });
    expect(parse("E0 c 666 0 0 0 1 1 1:3 dev/null")).toMatchObject({
      facts: { type: "character device", device: "1:3" },
    });
    expect(parse("Lsome where")).toEqual({ kind: "target", target: "some where" });
    expect(parse("W3 Structure needs cleaning: a")).toEqual({
      kind: "trouble",
      volume: 3,
      text: "Structure needs cleaning: a",
    });
    expect(parse("T")).toEqual({ kind: "too-many" });
    expect(parse("D1")).toEqual({ kind: "end", disk: 1 });
    expect(parse("Fno")).toEqual({ kind: "failure", text: "no" });
  });

  it("has names as they are: spaces at either end, line breaks, bytes that are no UTF-8", () => {
    for (const path of ["  a ", "a\nE0 f 644 0 0 0 0 1 0:0 b", "\xff\xfe", "a\u001b[2J"]) {
      expect(parse(`E0 f 644 0 0 0 0 1 0:0 ${path}`)).toMatchObject({ kind: "entry", path });
    }
  });

  it("counts no size of what is no plain file, nor the folders in a folder", () => {
    expect(parse("E0 d 755 0 0 4096 0 17 0:0 a")).toMatchObject({ facts: { sizeBytes: 0, links: 1 } });
    expect(parse("E0 l 777 0 0 12 0 1 0:0 a")).toMatchObject({ facts: { sizeBytes: 0 } });
  });

  it.each([
    "",
    "Q",
    "E",
    "E0 f 644 0 0 0 0 1 0:0 ",
    "E0 x 644 0 0 0 0 1 0:0 a",
    "E0 __proto__ 644 0 0 0 0 1 0:0 a",
    "E99 f 644 0 0 0 0 1 0:0 a",
    "E0 f 999 0 0 0 0 1 0:0 a",
    "E0 f 644 -1 0 0 0 1 0:0 a",
    `E0 f 644 0 0 ${"9".repeat(40)} 0 1 0:0 a`,
    "V0 0 0 1 1 a/b ",
    "V0 40 0 1 1 ext4 ",
    "D",
    "D1 and more",
    "W",
    `L${"x".repeat(MAX_RECORD_BYTES)}`,
  ])("is refused if it is not that: %j", (text) => {
    expect(() => parse(text)).toThrow(InspectionError);
  });

  it("is understood or refused, whatever it is", () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string().map((text) => Buffer.from(`E0 f 644 0 0 ${text}`)),
      fc.stringMatching(/^[VELWTDF]?[0-9 :a-z-]{0,60}$/).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          parseRecord(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(InspectionError);
        }
      }),
    );
  });

  it("never is a number that others cannot be told from", () => {
    const { volume } = parse(`V0 0 0 ${"9".repeat(19)} 0 ext4 `) as { volume: { sizeBytes: number } };
    expect(Number.isSafeInteger(volume.sizeBytes)).toBe(true);
  });
});
