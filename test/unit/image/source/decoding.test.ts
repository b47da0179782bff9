import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decode } from "../../../../src/image/source/decoding.ts";

const content = Buffer.from("the archive ".repeat(1_000));

async function* inParts(bytes: Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  for (let begin = 0; begin < bytes.length; begin += size) yield bytes.subarray(begin, begin + size);
}

async function decoded(bytes: Uint8Array, encoding: string | undefined): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decode(inParts(bytes), encoding)));
}

describe("what was packed on its way", () => {
  it.each([
    [undefined, content],
    ["identity", content],
    ["gzip", gzipSync(content)],
    ["zstd", zstdCompressSync(content)],
  ])("is what it was: %s", async (encoding, bytes) => {
    expect((await decoded(bytes, encoding)).equals(content)).toBe(true);
  });

  it.each([
    ["damaged gzip", "gzip", content],
    ["gzip that is cut off", "gzip", gzipSync(content).subarray(0, 40)],
    ["damaged zstd", "zstd", content],
    ["zstd that is cut off", "zstd", zstdCompressSync(content).subarray(0, 20)],
    ["what nobody knows", "br, gzip", content],
    ["a name of every object", "constructor", content],
  ])("is refused: %s", async (_, encoding, bytes) => {
    const unpacked = async () => await decoded(bytes, encoding);
    await expect(unpacked()).rejects.toMatchObject({ code: "archive-corrupt", blame: "image" });
  });

  it("fails as its source fails", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield gzipSync(content).subarray(0, 20);
      throw new Error("the connection is gone");
    }
    await expect(Array.fromAsync(decode(broken(), "gzip"))).rejects.toThrow("the connection is gone");
  });

  it("is not read on when nobody wants more", async () => {
    let over = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield gzipSync(content);
      } finally {
        over = true;
      }
    }
    for await (const chunk of decode(endless(), "gzip")) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(true);
  });
});
