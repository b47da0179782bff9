import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BinaryZstd } from "../../src/image/zstd/binary-zstd.ts";
import type { ZstdCodec } from "../../src/image/zstd/codec.ts";
import { CodecZstd } from "../../src/image/zstd/codec-zstd.ts";

const MIB = 1_024 * 1_024;

/** Half text, half noise: blocks of several types, and no size that is a multiple of anything. */
const SAMPLE = Buffer.concat([Buffer.from("a line of text that comes again\n".repeat(40_000)), randomBytes(1_500_001)]);

async function* chunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

function cli(args: string[], input: Uint8Array): Buffer {
  return execFileSync("zstd", ["-q", "-c", ...args], { input, maxBuffer: 64 * MIB });
}

/** The first bytes of a frame with checksum, without content size, of 1 MiB window. */
const HEADER = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x50]);

/** A frame of `count` blocks of 128 KiB zeros, 4 bytes each, with a wrong checksum at the very end. */
function bomb(count: number): Buffer {
  const block = Buffer.alloc(4);
  block.writeUIntLE((0x20000 << 3) | (1 << 1), 0, 3);
  return Buffer.concat([HEADER, ...Array.from({ length: count }, () => block), Buffer.from([1, 0, 0, 9, 9, 9, 9])]);
}

describe.each<ZstdCodec>([new BinaryZstd(), new CodecZstd()])("zstd by $name", (codec) => {
  const unpack = (bytes: Uint8Array, chunkBytes?: number, maxOutputBytes = 64 * MIB) =>
    collect(codec.decompress(chunks(bytes, chunkBytes), { maxOutputBytes }));
  const refusal = (bytes: Uint8Array) =>
    unpack(bytes).then(
      () => "accepted",
      (error: { code?: string }) => error.code,
    );

  it.each([1, 3, 19])("unpacks what the zstd program packed at level %i", async (level) => {
    const packed = cli([`-${level}`], SAMPLE);
    expect((await unpack(packed)).equals(SAMPLE)).toBe(true);
  });

  it("takes back the memory of chunks that are done with, and of no others", async () => {
    const packed = cli([], Buffer.concat([SAMPLE, SAMPLE, SAMPLE]));
    const hash = createHash("sha256");
    const options = { maxOutputBytes: 64 * MIB, isTransient: true };
    for await (const chunk of codec.decompress(chunks(packed, 100_001), options)) {
      await new Promise(setImmediate);
      hash.update(chunk);
    }
    const expected = createHash("sha256").update(SAMPLE).update(SAMPLE).update(SAMPLE);
    expect(hash.digest("hex")).toBe(expected.digest("hex"));
  });

  it("unpacks input that comes in small pieces", async () => {
    const packed = cli([], SAMPLE.subarray(0, 100_000));
    expect((await unpack(packed, 7)).equals(SAMPLE.subarray(0, 100_000))).toBe(true);
  });

  it("unpacks a frame with a window of 8 MiB", async () => {
    const big = Buffer.concat(Array.from({ length: 12 }, (_, i) => Buffer.alloc(MIB, i)));
    const packed = cli(["-19", "--stream-size=12582912", "--zstd=wlog=23"], big);
    expect((await unpack(packed)).equals(big)).toBe(true);
  });

  it("unpacks an empty frame", async () => {
    expect(await unpack(cli([], Buffer.alloc(0)))).toHaveLength(0);
  });

  it.each([1, 9, 19])(
    "packs at level %i what the zstd program and itself unpack, with checksum and size",
    async (level) => {
      const options = { level, threads: 2, contentBytes: SAMPLE.length };
      const packed = await collect(codec.compress(chunks(SAMPLE), options));
      expect(cli(["-d"], packed).equals(SAMPLE)).toBe(true);
      expect((await unpack(packed)).equals(SAMPLE)).toBe(true);
      const descriptor = packed[4] as number;
      expect(descriptor & 0x04, "checksum flag").not.toBe(0);
      expect(descriptor >>> 6, "content size").not.toBe(0);
    },
  );

  it.each([0, 1, 3, 4, 31, 32, 33, 131_072])("packs %i bytes of unknown size with a valid checksum", async (size) => {
    const bytes = SAMPLE.subarray(SAMPLE.length - size);
    const packed = await collect(codec.compress(chunks(bytes), { level: 3 }));
    expect(cli(["-d"], packed).equals(bytes)).toBe(true);
    expect((packed[4] as number) & 0x04).not.toBe(0);
  });

  it("refuses to pack more than was announced", async () => {
    const packing = collect(codec.compress(chunks(SAMPLE), { level: 1, contentBytes: 1_000 }));
    await expect(packing).rejects.toThrow();
  });

  it.each([0, 3, 5, 8, 1_000, -1, -4, -5])("refuses input cut at byte %i", async (end) => {
    expect(await refusal(cli([], SAMPLE).subarray(0, end === 0 ? 0 : end))).toBe("zstd-truncated");
  });

  it("refuses something else than zstd", async () => {
    expect(await refusal(Buffer.from("no"))).toBe("zstd-not-zstd");
    expect(await refusal(randomBytes(100_000).fill(0x1f, 0, 1))).toBe("zstd-not-zstd");
  });

  it("refuses a flipped bit that only the checksum shows", async () => {
    const packed = cli(["-1"], randomBytes(500_000));
    packed[250_000] = (packed[250_000] as number) ^ 1;
    expect(await refusal(packed)).toBe("zstd-corrupt");
  });

  it("refuses a wrong checksum", async () => {
    const packed = cli([], SAMPLE);
    packed[packed.length - 2] = (packed[packed.length - 2] as number) ^ 1;
    expect(await refusal(packed)).toBe("zstd-corrupt");
  });

  it("refuses a block of reserved type and one that is too large", async () => {
    const end = Buffer.alloc(100);
    expect(await refusal(Buffer.concat([HEADER, Buffer.from([0x07, 0, 0]), end]))).toBe("zstd-corrupt");
    expect(await refusal(Buffer.concat([HEADER, Buffer.from([0x01, 0, 0xff]), end]))).toBe("zstd-corrupt");
  });

  it.each([
    ["zeros", Buffer.alloc(512)],
    ["one byte", Buffer.from([0])],
    ["text", Buffer.from("tail")],
    ["another frame", cli([], Buffer.from("again"))],
    ["a skippable frame", Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0])],
  ])("refuses %s after the frame", async (_, tail) => {
    expect(await refusal(Buffer.concat([cli([], SAMPLE), tail]))).toBe("zstd-trailing-data");
  });

  it("refuses a window above 8 MiB and a dictionary", async () => {
    const big = Buffer.alloc(20 * MIB, "0123456789");
    expect(await refusal(cli(["--long=27", "--stream-size=20971520", "--no-check"], big))).toBe("zstd-unsupported");
    expect(await refusal(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x50, 0x07, 0, 0]))).toBe("zstd-unsupported");
  });

  it("refuses more output than allowed, whether the header says so or not", async () => {
    const refused = { code: "zstd-output-too-large" };
    await expect(unpack(cli([], SAMPLE), undefined, SAMPLE.length - 1)).rejects.toMatchObject(refused);
    const undeclared = await collect(codec.compress(chunks(SAMPLE), { level: 1 }));
    await expect(unpack(undeclared, undefined, SAMPLE.length - 1)).rejects.toMatchObject(refused);
    expect(await unpack(undeclared, undefined, SAMPLE.length)).toHaveLength(SAMPLE.length);
  });

  it("unpacks a bomb in bounded memory and stops at the cap", async () => {
    let total = 0;
    let peak = 0;
    const before = process.memoryUsage().rss;
    const reading = async () => {
      const options = { maxOutputBytes: 1_024 * MIB };
      for await (const chunk of codec.decompress(chunks(bomb(16_384)), options)) {
        total += chunk.length;
        peak = Math.max(peak, process.memoryUsage().rss - before);
      }
    };
    await expect(reading()).rejects.toMatchObject({ code: "zstd-output-too-large" });
    expect(total).toBeGreaterThan(900 * MIB);
    expect(total).toBeLessThanOrEqual(1_024 * MIB);
    expect(peak).toBeLessThan(300 * MIB);
  });

  it("stops when the consumer does", async () => {
    const started = performance.now();
    for await (const chunk of codec.decompress(chunks(bomb(1_000_000)), { maxOutputBytes: 200_000 * MIB })) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  it("throws the reason when it is aborted, also while the source is silent", async () => {
    const controller = new AbortController();
    const packed = cli([], SAMPLE);
    async function* stalled(): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, 100_000);
      controller.abort(new Error("enough"));
      await new Promise(() => {});
    }
    const options = { maxOutputBytes: 64 * MIB, signal: controller.signal };
    await expect(collect(codec.decompress(stalled(), options))).rejects.toThrow("enough");
  });

  it("throws what its source threw", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield cli([], SAMPLE).subarray(0, 100_000);
      throw new Error("the cable was cut");
    }
    await expect(collect(codec.decompress(failing(), { maxOutputBytes: 64 * MIB }))).rejects.toThrow(
      "the cable was cut",
    );
    await expect(collect(codec.compress(failing(), { level: 1 }))).rejects.toThrow("the cable was cut");
  });

  it("unpacks twenty streams one after the other without running out of memory", async () => {
    const packed = cli(["-19"], SAMPLE);
    const digest = createHash("sha256").update(SAMPLE).digest("hex");
    for (let i = 0; i < 20; i++) {
      const bytes = await unpack(packed);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(digest);
    }
  });
});
