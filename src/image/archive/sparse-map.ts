/** Which parts of a sparse file hold data. */
import { ImageError } from "../errors.ts";
import type { ByteReader } from "./byte-reader.ts";

export interface Segment {
  offset: number;
  bytes: number;
}

/** Enough for 50 GiB of which every other 32 KiB is a hole; bounds the memory a hostile map can take. */
const MAX_SEGMENTS = 800_000;
const BLOCK_BYTES = 512;

/**
 * Reads the map that comes before the data of a PAX sparse 1.0 file: decimal numbers, one a line: how many
 * segments, then offset and length of each, padded to a whole block.
 *
 * @see GNU tar manual, "PAX Format, Version 1.0"
 */
export async function readSparseMap(reader: ByteReader): Promise<{ segments: Segment[]; mapBytes: number }> {
  const start = reader.position;
  let numbers: number[] = [];
  let count: number | undefined;
  let digits = "";
  const segments: Segment[] = [];
  while (count === undefined || segments.length < count) {
    const lines = (digits + (await reader.readExactly(BLOCK_BYTES)).toString("latin1")).split("\n");
    // What follows the last number of the map is padding; the check at the end of this loop leaves it alone.
    digits = lines.pop() ?? "";
    for (const line of lines) {
      if (count !== undefined && segments.length === count) break;
      numbers.push(parseNumber(line));
      if (count === undefined) {
        count = numbers[0] as number;
        numbers = [];
        checkCount(count);
      } else if (numbers.length === 2) {
        segments.push({ offset: numbers[0] as number, bytes: numbers[1] as number });
        numbers = [];
      }
    }
    if (digits.length > 20 && (count === undefined || segments.length < count))
      throw badMap("a number that is too long");
  }
  return { segments, mapBytes: reader.position - start };
}

export function checkCount(count: number): void {
  if (count > MAX_SEGMENTS) throw badMap(`more than ${MAX_SEGMENTS} segments`);
}

/** @throws {@link ImageError} unless the segments ascend, stay inside the file and hold exactly what is stored. */
export function checkSparseMap(segments: readonly Segment[], realBytes: number, storedBytes: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, bytes } of segments) {
    if (offset < end) throw badMap("segments that overlap or are out of order");
    end = offset + bytes;
    if (end > realBytes) throw badMap("a segment beyond the end of the file");
    sum += bytes;
  }
  if (sum !== storedBytes) throw badMap(`${sum} bytes of data where ${storedBytes} are stored`);
}

function parseNumber(line: string): number {
  const value = Number(line);
  if (!/^\d{1,16}$/.test(line) || !Number.isSafeInteger(value)) throw badMap("a number that is none");
  return value;
}

function badMap(what: string): ImageError {
  return new ImageError("archive-sparse-map", `the map of a sparse file is wrong: ${what}`);
}
