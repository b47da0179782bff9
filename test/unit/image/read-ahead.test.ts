import { createHash, randomBytes } from "node:crypto";
import { mkdtempDisposable, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PIECE_BYTES, readAhead } from "../../../src/image/archive/read-ahead.ts";

const bytes = randomBytes(5 * PIECE_BYTES + 77);

async function withFile(use: (file: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "boxcar-read-"));
  await using file = await open(join(folder.path, "file"), "w+");
  await file.write(bytes);
  await use(file);
}

describe("readAhead", () => {
  it("hands out what lies in the segments, in order, in memory that it uses again", () =>
    withFile(async (file) => {
      const segments = [
        { offset: 3, bytes: 10 },
        { offset: 100, bytes: 4 * PIECE_BYTES },
        { offset: 5 * PIECE_BYTES, bytes: 77 },
      ];
      const hash = createHash("sha256");
      const memory = new Set<ArrayBufferLike>();
      const offsets: number[] = [];
      for await (const { offset, chunk } of readAhead(file, segments)) {
        // Whatever is read ahead meanwhile must not get into it.
        await new Promise(setImmediate);
        hash.update(chunk);
        memory.add(chunk.buffer);
        offsets.push(offset);
      }
      const expected = createHash("sha256");
      for (const segment of segments) expected.update(bytes.subarray(segment.offset, segment.offset + segment.bytes));
      expect(hash.digest("hex")).toBe(expected.digest("hex"));
      expect(offsets).toEqual([3, 100, ...[1, 2, 3].map((piece) => 100 + piece * PIECE_BYTES), 5 * PIECE_BYTES]);
      expect(memory.size).toBeLessThan(offsets.length);
    }));

  it("fails where the file is shorter", () =>
    withFile(async (file) => {
      const reading = Array.fromAsync(readAhead(file, [{ offset: 0, bytes: bytes.length + 1 }]));
      await expect(reading).rejects.toThrow("shorter");
    }));

  it("leaves the file alone when nobody wants more", () =>
    withFile(async (file) => {
      for await (const _ of readAhead(file, [{ offset: 0, bytes: bytes.length }])) break;
      await file.close();
    }));
});
