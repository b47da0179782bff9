/**
 * One 512-byte header of a tar archive: ustar, pax and GNU.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
import { ImageError } from "../errors.ts";
import type { Segment } from "./sparse-map.ts";

export const BLOCK_BYTES = 512;

export interface TarHeader {
  name: string;
  /** One character; POSIX `typeflag`. */
  type: string;
  /** Bytes of data that follow, without padding. */
  storedBytes: number;
  linkName: string;
  /** The first part of the map of an old GNU sparse file (type `S`). */
  gnuSparse: { segments: Segment[]; isExtended: boolean; realBytes: number } | undefined;
}

const CHECKSUM_OFFSET = 148;
const CHECKSUM_BYTES = 8;
const MAGIC_OFFSET = 257;
const PREFIX_OFFSET = 345;
const GNU_MAP_OFFSET = 386;
const GNU_MAP_ENTRIES = 4;
const GNU_EXTENSION_ENTRIES = 21;
const NUMBER_BYTES = 12;

/** Undefined for the block of zeros that ends an archive. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (!block.some((byte) => byte !== 0)) return undefined;
  if (checksum(block) !== number(block, CHECKSUM_OFFSET, CHECKSUM_BYTES)) {
    throw corrupt("a header has a wrong checksum; is this a tar archive?");
  }
  const magic = block.toString("latin1", MAGIC_OFFSET, MAGIC_OFFSET + 8);
  const isUstar = magic === "ustar\x0000";
  if (!isUstar && magic !== "ustar  \0") throw corrupt("a header is neither of POSIX nor of GNU tar");
  const prefix = isUstar ? text(block, PREFIX_OFFSET, 155) : "";
  const name = text(block, 0, 100);
  const type = block[156] === 0 ? "0" : String.fromCharCode(block[156] as number);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    type,
    storedBytes: number(block, 124, NUMBER_BYTES),
    linkName: text(block, 157, 100),
    gnuSparse: type === "S" ? parseGnuSparse(block) : undefined,
  };
}

function parseGnuSparse(block: Buffer): TarHeader["gnuSparse"] {
  return {
    segments: gnuSegments(block, GNU_MAP_OFFSET, GNU_MAP_ENTRIES),
    isExtended: block[482] !== 0,
    realBytes: number(block, 483, NUMBER_BYTES),
  };
}

/** A block that continues the map of an old GNU sparse file. */
export function parseGnuExtension(block: Buffer): { segments: Segment[]; isExtended: boolean } {
  return { segments: gnuSegments(block, 0, GNU_EXTENSION_ENTRIES), isExtended: block[504] !== 0 };
}

function gnuSegments(block: Buffer, offset: number, count: number): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const at = offset + i * 2 * NUMBER_BYTES;
    if (block[at] === 0) break;
    segments.push({
      offset: number(block, at, NUMBER_BYTES),
      bytes: number(block, at + NUMBER_BYTES, NUMBER_BYTES),
    });
  }
  return segments;
}

/** Octal digits, or where the first bit is set a big-endian binary number. */
function number(block: Buffer, offset: number, length: number): number {
  const first = block[offset] as number;
  if (first === 0x80) {
    const value = block.readBigUInt64BE(offset + length - 8);
    const rest = block.subarray(offset + 1, offset + length - 8);
    if (rest.some((byte) => byte !== 0) || value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt("a number too large");
    return Number(value);
  }
  const digits = text(block, offset, length).trim();
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw corrupt("a header with a number that is none");
  return Number.parseInt(digits, 8);
}

function text(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return block.toString("utf8", offset, end === -1 ? offset + length : Math.min(end, offset + length));
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
export function checksum(block: Buffer): number {
  let sum = CHECKSUM_BYTES * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    if (i < CHECKSUM_OFFSET || i >= CHECKSUM_OFFSET + CHECKSUM_BYTES) sum += block[i] as number;
  }
  return sum;
}

export function corrupt(what: string): ImageError {
  return new ImageError("archive-corrupt", `the tar data is corrupt: ${what}`);
}
