import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordReader } from "../../../../src/builder/inspect/record-reader.ts";

const LIMITS = { maxRecordBytes: 100, maxBytes: 10_000 };

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function* endless(piece: string): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.from(piece);
}

describe("texts that end with a NUL", () => {
  it("come out as they went in, however they are cut", async () => {
    const texts = fc.array(fc.stringMatching(/^[^\0]{0,30}$/), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 50 }), async (expected, size) => {
        const bytes = Buffer.from(expected.map((text) => `${text}\0`).join(""));
        const reader = new RecordReader(inPieces(bytes, size), LIMITS);
        const found: string[] = [];
        for (let text = await reader.next(); text !== undefined; text = await reader.next()) found.push(String(text));
        expect(found).toEqual(expected);
      }),
    );
  });

  it("may have bytes between them", async () => {
    const reader = new RecordReader(inPieces(Buffer.from("B5\0a\0b\0cnext\0"), 3), LIMITS);
    expect(String(await reader.next())).toBe("B5");
    expect(await reader.take(5)).toEqual(Buffer.from("a\0b\0c"));
    expect(String(await reader.next())).toBe("next");
    expect(await reader.next()).toBeUndefined();
  });

  it("have an end", async () => {
    await expect(new RecordReader(endless("abc"), LIMITS).next()).rejects.toMatchObject({
      code: "inspection-protocol-error",
    });
    await expect(new RecordReader(inPieces(Buffer.from("abc"), 2), LIMITS).next()).rejects.toMatchObject({
      code: "inspection-protocol-error",
    });
  });

  it("are not told for ever", async () => {
    const reader = new RecordReader(endless("abc\0"), LIMITS);
    const readAll = async () => {
      while ((await reader.next()) !== undefined);
    };
    await expect(readAll()).rejects.toMatchObject({ code: "inspection-too-large" });
  });

  it("are not fewer bytes than were announced", async () => {
    const reader = new RecordReader(inPieces(Buffer.from("abc"), 1), LIMITS);
    await expect(reader.take(4)).rejects.toMatchObject({ code: "inspection-protocol-error" });
  });
});
