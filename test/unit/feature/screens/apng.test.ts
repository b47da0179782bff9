import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ApngFrame, encodeApng } from "../../../../src/feature/screens/apng.ts";
import { readPngHeader } from "../../../../src/feature/screens/png-chunks.ts";
import { firstPixel, picture } from "./pictures.ts";
import { readApng } from "./read-apng.ts";

const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-apng-"));
});

afterEach(() => rm(directory, { recursive: true }));

async function frame(png: Buffer, delayMs = 100): Promise<ApngFrame> {
  const { width, height } = readPngHeader(png);
  const file = join(directory, `${Math.random()}.png`);
  await writeFile(file, png);
  return { file, width, height, delayMs };
}

async function encode(frames: readonly ApngFrame[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(encodeApng(frames)));
}

describe("an animated PNG", () => {
  it("has the frames in their order and for their time, and begins as a plain picture", async () => {
    const frames = [
      await frame(picture(40, 30, RED), 1_000),
      await frame(picture(40, 30, GREEN), 20.4),
      await frame(picture(40, 30, BLUE), 70_000),
    ];
    const { still, frames: read } = readApng(await encode(frames));
    expect([still.width, still.height, ...firstPixel(still)]).toEqual([40, 30, ...RED]);
    expect(read.map(({ image }) => firstPixel(image))).toEqual([RED, GREEN, BLUE]);
    expect(read.map(({ delayMs }) => delayMs)).toEqual([1_000, 20, 65_535]);
  });

  it("is as large as the largest frames, whose rest is not seen around smaller ones", async () => {
    const frames = [
      await frame(picture(20, 20, RED)),
      await frame(picture(60, 10, GREEN)),
      await frame(picture(10, 50, BLUE)),
    ];
    const { still, frames: read } = readApng(await encode(frames));
    expect([still.width, still.height, ...firstPixel(still)]).toEqual([60, 50, 0, 0, 0]);
    expect(read.map(({ image }) => [image.width, image.height])).toEqual([
      [20, 20],
      [60, 10],
      [10, 50],
    ]);
    expect(read.map(({ dispose }) => dispose)).toEqual([1, 1, 0]);
  });

  it("takes over pictures whose pixels are in many chunks", async () => {
    const noise = new PNG({ width: 300, height: 200 });
    for (let at = 0; at < noise.data.length; at++) noise.data[at] = at % 4 === 3 ? 255 : (at * at * 31) % 251;
    // Uncompressed, the encoder gives out a chunk per 64 KiB.
    const png = PNG.sync.write(noise, { colorType: 2, deflateLevel: 0 });
    const { frames } = readApng(await encode([await frame(picture(300, 200, RED)), await frame(png)]));
    expect(frames[1]?.image.data.equals(noise.data)).toBe(true);
  });

  it("is refused where the pictures do not fit together, or one is not whole", async () => {
    const transparent = PNG.sync.write(new PNG({ width: 4, height: 4 }), { colorType: 6 });
    const red = picture(4, 4, RED);
    await expect(encode([await frame(red), await frame(transparent)])).rejects.toThrow("pixel format");
    await expect(encode([await frame(red.subarray(0, -12))])).rejects.toThrow("not whole");
  });
});
