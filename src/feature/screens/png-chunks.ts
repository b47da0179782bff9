/**
 * PNG files as their chunks.
 *
 * @see https://www.w3.org/TR/png-3/#5Chunk-layout
 */
import { crc32 } from "node:zlib";

export interface PngChunk {
  readonly type: string;
  readonly data: Buffer;
}

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bit depth, colour type, compression, filter and interlace: what the pixels mean. */
  readonly format: Buffer;
}

export const PNG_SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

const LENGTH_AND_TYPE = 8;
const CRC = 4;

/** @throws {Error} It is no PNG, or not a whole one. */
export function* pngChunks(png: Buffer): Generator<PngChunk> {
  if (!png.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) throw new Error("this is no PNG");
  for (let at = PNG_SIGNATURE.length; at < png.length; ) {
    const begin = at + LENGTH_AND_TYPE;
    const end = begin + png.readUInt32BE(at);
    if (end + CRC > png.length) break;
    const type = png.toString("latin1", at + 4, begin);
    yield { type, data: png.subarray(begin, end) };
    if (type === "IEND") return;
    at = end + CRC;
  }
  throw new Error("the PNG is not whole");
}

/** @throws {Error} As {@link pngChunks}. */
export function readPngHeader(png: Buffer): PngHeader {
  const [header] = pngChunks(png);
  if (header?.type !== "IHDR") throw new Error("the PNG does not begin with its header");
  const { data } = header;
  return { width: data.readUInt32BE(0), height: data.readUInt32BE(4), format: data.subarray(8) };
}

/** The bytes of one chunk. */
export function buildPngChunk(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), ...parts]);
  return Buffer.concat([uint32(body.length - 4), body, uint32(crc32(body))]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
