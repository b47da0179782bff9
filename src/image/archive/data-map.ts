/** Finds out which parts of a file are not zero. */
import type { FileHandle } from "node:fs/promises";
import type { Segment } from "./sparse-map.ts";

const BLOCK_BYTES = 64 * 1_024;
const READ_BYTES = 16 * BLOCK_BYTES;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Runs of 64 KiB blocks that hold anything but zeros, in order. */
export async function findData(file: FileHandle, bytes: number, signal?: AbortSignal): Promise<Segment[]> {
  const segments: Segment[] = [];
  const buffer = Buffer.alloc(READ_BYTES);
  for (let offset = 0; offset < bytes; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, bytes - offset), offset);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    // A short read may end inside a block; the rest of it is judged by the next one.
    for (let from = 0; from < bytesRead; from += BLOCK_BYTES) {
      const to = Math.min(from + BLOCK_BYTES, bytesRead);
      if (buffer.compare(ZEROS, 0, to - from, from, to) !== 0) add(segments, offset + from, to - from);
    }
    offset += bytesRead;
  }
  return segments;
}

function add(segments: Segment[], offset: number, bytes: number): void {
  const last = segments.at(-1);
  if (last !== undefined && last.offset + last.bytes === offset) last.bytes += bytes;
  else segments.push({ offset, bytes });
}
