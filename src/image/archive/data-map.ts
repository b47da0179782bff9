/** Finds out which parts of a file are not zero. */
import type { FileHandle } from "node:fs/promises";
import type { Segment } from "./sparse-map.ts";

const BLOCK_BYTES = 64 * 1_024;
const READ_BYTES = 16 * BLOCK_BYTES;
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
  const buffer = Buffer.alloc(READ_BYTES);
  let done = 0;
  for (const extent of extents) {
    const begin = Math.max(done, extent.offset - (extent.offset % BLOCK_BYTES));
    const end = Math.min(bytes, Math.ceil((extent.offset + extent.bytes) / BLOCK_BYTES) * BLOCK_BYTES);
    for (let offset = begin; offset < end; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, end - offset), offset);
      if (bytesRead === 0) throw new Error("the file became shorter while it was read");
      // A short read may end inside a block; the rest of it is judged by the next one.
      for (let from = 0; from < bytesRead; from += BLOCK_BYTES) {
        const to = Math.min(from + BLOCK_BYTES, bytesRead);
        if (buffer.compare(ZEROS, 0, to - from, from, to) !== 0) add(segments, offset + from, to - from);
      }
      offset += bytesRead;
    }
    done = Math.max(done, end);
  }
  return segments;
}

function add(segments: Segment[], offset: number, bytes: number): void {
  const last = segments.at(-1);
  if (last !== undefined && last.offset + last.bytes === offset) last.bytes += bytes;
  else segments.push({ offset, bytes });
}
