/** Finds out which parts of a file are not zero. */
import type { FileHandle } from "node:fs/promises";
import { readAhead } from "./read-ahead.ts";
import type { Segment } from "./sparse-map.ts";

/** Pieces that are read are whole blocks. */
const BLOCK_BYTES = 64 * 1_024;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

export interface FindOptions {
  /** Outside of these, in order, there are holes; default: nothing is known. What is found does not depend on it. */
  extents?: readonly Segment[] | undefined;
  signal?: AbortSignal | undefined;
}

/** Runs of 64 KiB blocks that hold anything but zeros, in order. */
export async function findData(
  file: FileHandle,
  bytes: number,
  { extents = [{ offset: 0, bytes }], signal }: FindOptions = {},
): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const { offset, chunk } of readAhead(file, wholeBlocks(extents, bytes))) {
    signal?.throwIfAborted();
    for (let from = 0; from < chunk.length; from += BLOCK_BYTES) {
      const to = Math.min(from + BLOCK_BYTES, chunk.length);
      if (chunk.compare(ZEROS, 0, to - from, from, to) !== 0) add(segments, offset + from, to - from);
    }
  }
  return segments;
}

/** The blocks in which the extents lie, each once. */
function* wholeBlocks(extents: readonly Segment[], bytes: number): Generator<Segment> {
  let done = 0;
  for (const extent of extents) {
    const begin = Math.max(done, extent.offset - (extent.offset % BLOCK_BYTES));
    const end = Math.min(bytes, Math.ceil((extent.offset + extent.bytes) / BLOCK_BYTES) * BLOCK_BYTES);
    if (begin < end) yield { offset: begin, bytes: end - begin };
    done = Math.max(done, end);
  }
}

function add(segments: Segment[], offset: number, bytes: number): void {
  const last = segments.at(-1);
  if (last !== undefined && last.offset + last.bytes === offset) last.bytes += bytes;
  else segments.push({ offset, bytes });
}
