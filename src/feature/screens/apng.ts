/**
 * Animated PNG out of PNG files, whose compressed pixels are taken over as they are; one file is in memory at a time.
 *
 * @see https://www.w3.org/TR/png-3/#apng-frame-based-animation
 */
import { readFile } from "node:fs/promises";
import { deflateSync } from "node:zlib";
import { buildPngChunk, PNG_SIGNATURE, type PngHeader, pngChunks, readPngHeader, uint32 } from "./png-chunks.ts";

export interface ApngFrame {
  /** A PNG that is not interlaced; all frames have the same pixel format, but not the same size. */
  readonly file: string;
  readonly width: number;
  readonly height: number;
  /** At most {@link MAX_DELAY_MS} is kept of it. */
  readonly delayMs: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What 16 bits hold. */
const MAX_DELAY_MS = 65_535;

const PLAYS = 1;
const DISPOSE_NONE = 0;
const DISPOSE_TO_TRANSPARENT = 1;
const BLEND_SOURCE = 0;

/**
 * @param frames One or more. The canvas is as wide as the widest and as high as the highest; others are in its corner.
 * @throws {Error} A file is no PNG, or its pixel format is not that of the first.
 */
export async function* encodeApng(frames: readonly ApngFrame[]): AsyncGenerator<Buffer> {
  const canvas = {
    width: Math.max(...frames.map(({ width }) => width)),
    height: Math.max(...frames.map(({ height }) => height)),
  };
  let first: PngHeader | undefined;
  let sequence = 0;
  for (const [index, frame] of frames.entries()) {
    const png = await readFile(frame.file);
    const header = readPngHeader(png);
    if (first === undefined) yield* beginning(canvas, header, frames.length);
    first ??= header;
    if (!header.format.equals(first.format)) throw new Error("the pictures do not have the same pixel format");
    yield buildPngChunk("fcTL", uint32(sequence++), frameControl(frame, frames[index + 1]));
    const pixels = [...pngChunks(png)].filter(({ type }) => type === "IDAT").map(({ data }) => data);
    if (index === 0 && covers(header, canvas)) yield buildPngChunk("IDAT", ...pixels);
    else yield buildPngChunk("fdAT", uint32(sequence++), ...pixels);
  }
  yield buildPngChunk("IEND");
}

function* beginning(canvas: Size, first: PngHeader, count: number): Generator<Buffer> {
  yield PNG_SIGNATURE;
  yield buildPngChunk("IHDR", uint32(canvas.width), uint32(canvas.height), first.format);
  yield buildPngChunk("acTL", uint32(count), uint32(PLAYS));
  // The picture for those who know no animation must fill the canvas; if the first frame does not, it is a black one.
  if (!covers(first, canvas)) yield buildPngChunk("IDAT", blackPixels(canvas, first.format));
}

function frameControl({ width, height, delayMs }: ApngFrame, next: Size | undefined): Buffer {
  const data = Buffer.alloc(22);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.writeUInt16BE(Math.min(Math.max(Math.round(delayMs), 0), MAX_DELAY_MS), 16);
  data.writeUInt16BE(1_000, 18);
  // What a smaller frame does not cover would still be seen around it.
  const dispose = next === undefined || covers(next, { width, height }) ? DISPOSE_NONE : DISPOSE_TO_TRANSPARENT;
  data.writeUInt8(dispose, 20);
  data.writeUInt8(BLEND_SOURCE, 21);
  return data;
}

function covers(one: Size, other: Size): boolean {
  return one.width >= other.width && one.height >= other.height;
}

const SAMPLES_BY_COLOR_TYPE: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

function blackPixels({ width, height }: Size, format: Buffer): Buffer {
  const [depth = 8, colorType = 2] = format;
  const bits = width * (SAMPLES_BY_COLOR_TYPE[colorType] ?? 1) * depth;
  return deflateSync(Buffer.alloc((1 + Math.ceil(bits / 8)) * height));
}
