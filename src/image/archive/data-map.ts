/** Finds out which parts of a file are not zero. */
import { once } from "node:events";
import type { FileHandle } from "node:fs/promises";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { addDataBlocks, BLOCK_BYTES } from "./data-blocks.ts";
import { readAhead } from "./read-ahead.ts";
import type { Segment } from "./sparse-map.ts";

export interface FindOptions {
  /** Outside of these, in order, there are holes; default: nothing is known. What is found does not depend on it. */
  extents?: readonly Segment[] | undefined;
  /** A thread takes longer to start than to look through less. */
  minThreadBytes?: number;
  signal?: AbortSignal | undefined;
}

/** What a thread is to do. */
export interface DataMapJob {
  fd: number;
  ranges: readonly Segment[];
}

const MIN_THREAD_BYTES = 256 * 1_024 * 1_024;

/** The worker's file beside this one: TypeScript from a checkout, JavaScript when built. */
const WORKER_FILE = new URL(`./data-map-worker${extname(import.meta.url)}`, import.meta.url);

/** Runs of 64 KiB blocks that hold anything but zeros, in order. */
export async function findData(
  file: FileHandle,
  bytes: number,
  { extents = [{ offset: 0, bytes }], minThreadBytes = MIN_THREAD_BYTES, signal }: FindOptions = {},
): Promise<Segment[]> {
  const ranges = [...wholeBlocks(extents, bytes)];
  const wanted = ranges.reduce((sum, range) => sum + range.bytes, 0);
  return wanted < minThreadBytes
    ? await findHere(file, ranges, signal)
    : await findInThread({ fd: file.fd, ranges }, signal);
}

async function findHere(
  file: FileHandle,
  ranges: readonly Segment[],
  signal: AbortSignal | undefined,
): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const { offset, chunk } of readAhead(file, ranges)) {
    signal?.throwIfAborted();
    // Pieces that are read are whole blocks.
    addDataBlocks(segments, offset, chunk);
  }
  return segments;
}

async function findInThread(job: DataMapJob, signal: AbortSignal | undefined): Promise<Segment[]> {
  signal?.throwIfAborted();
  const worker = new Worker(WORKER_FILE, { workerData: job });
  try {
    const [segments] = await once(worker, "message", { signal });
    return segments as Segment[];
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    // The file may be closed afterwards.
    await worker.terminate();
  }
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
