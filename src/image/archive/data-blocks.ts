/** Which blocks of a file hold anything but zeros; the reading is done in one go, and blocks the thread it is done in. */
import { readSync } from "node:fs";
import type { Segment } from "./sparse-map.ts";

export const BLOCK_BYTES = 64 * 1_024;
/** What is read at once where the disk has to be asked. */
const SPAN_BYTES = 16 * BLOCK_BYTES;
/** Mostly it settles it. */
const PROBE_BYTES = 4_096;
/** What lies in memory is there in a tenth of it. */
const SLOW_PROBE_MS = 0.05;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/**
 * Adds the blocks of `chunk` that are data to `segments`.
 *
 * @param offset Of the chunk in its file, a multiple of {@link BLOCK_BYTES}.
 */
export function addDataBlocks(segments: Segment[], offset: number, chunk: Buffer): void {
  for (let from = 0; from < chunk.length; from += BLOCK_BYTES) {
    const to = Math.min(from + BLOCK_BYTES, chunk.length);
    if (chunk.compare(ZEROS, 0, to - from, from, to) !== 0) add(segments, offset + from, to - from);
  }
}

/**
 * Reads of each block only the beginning, if that is not zero. Where the disk is slow, everything is read in its order.
 *
 * @param ranges In order; each begins with a block.
 */
export function findDataBlocks(fd: number, ranges: readonly Segment[]): Segment[] {
  const segments: Segment[] = [];
  const buffer = Buffer.allocUnsafeSlow(SPAN_BYTES);
  const read = (offset: number, bytes: number) => readExactly(fd, buffer.subarray(0, bytes), offset);
  for (const range of ranges) {
    const end = range.offset + range.bytes;
    for (let span = range.offset; span < end; span += SPAN_BYTES) {
      const spanEnd = Math.min(end, span + SPAN_BYTES);
      for (let offset = span; offset < spanEnd; offset += BLOCK_BYTES) {
        const bytes = Math.min(BLOCK_BYTES, spanEnd - offset);
        const begin = performance.now();
        const probe = read(offset, Math.min(PROBE_BYTES, bytes));
        if (performance.now() - begin > SLOW_PROBE_MS) {
          addDataBlocks(segments, offset, read(offset, spanEnd - offset));
          break;
        }
        if (isZero(probe)) addDataBlocks(segments, offset, read(offset, bytes));
        else add(segments, offset, bytes);
      }
    }
  }
  return segments;
}

function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.compare(ZEROS, 0, bytes.length) === 0;
}

function readExactly(fd: number, buffer: Buffer, offset: number): Buffer {
  for (let done = 0; done < buffer.length; ) {
    const bytesRead = readSync(fd, buffer, done, buffer.length - done, offset + done);
    if (bytesRead === 0) throw new Error("a file became shorter while it was read");
    done += bytesRead;
  }
  return buffer;
}

function add(segments: Segment[], offset: number, bytes: number): void {
  const last = segments.at(-1);
  if (last !== undefined && last.offset + last.bytes === offset) last.bytes += bytes;
  else segments.push({ offset, bytes });
}
