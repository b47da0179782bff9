/** The headers of a tar archive as we write it: same bytes for same contents. */
import { buildPax } from "./pax.ts";
import type { Segment } from "./sparse-map.ts";
import { BLOCK_BYTES, checksum } from "./tar-header.ts";

/** Two blocks of zeros. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK_BYTES);

const MAX_OCTAL_SIZE = 0o77777777777;

/** Headers of a file that is stored whole. */
export function buildFileHeaders(name: string, bytes: number): Buffer {
  return buildHeader(name, "0", bytes);
}

/**
 * Headers of a file of which only `segments` are stored, and the map of these.
 *
 * @see GNU tar manual, "PAX Format, Version 1.0"
 */
export function buildSparseHeaders(name: string, realBytes: number, segments: readonly Segment[]): Buffer {
  const map = buildMap(realBytes, segments);
  const dataBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const pax = buildPax({
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": name,
    "GNU.sparse.realsize": String(realBytes),
  });
  return Buffer.concat([
    buildHeader(`PaxHeaders/${name}`, "x", pax.length),
    padded(pax),
    buildHeader(`GNUSparseFile.0/${name}`, "0", map.length + dataBytes),
    map,
  ]);
}

/** Zeros that follow `bytes` of data. */
export function paddingAfter(bytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function buildMap(realBytes: number, segments: readonly Segment[]): Buffer {
  const last = segments.at(-1);
  // A hole at the end is told by an empty segment behind it.
  const ends = last === undefined || last.offset + last.bytes < realBytes ? [{ offset: realBytes, bytes: 0 }] : [];
  const all = [...segments, ...ends];
  const lines = all.map(({ offset, bytes }) => `${offset}\n${bytes}\n`);
  return padded(Buffer.from(`${all.length}\n${lines.join("")}`));
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, paddingAfter(bytes.length)]);
}

function buildHeader(name: string, type: string, bytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  if (bytes <= MAX_OCTAL_SIZE) block.write(`${bytes.toString(8).padStart(11, "0")}\0`, 124);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(bytes), 128);
  }
  block.write("00000000000\0", 136);
  block.write(type, 156);
  block.write("ustar\x0000", 257, "latin1");
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
