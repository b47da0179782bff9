/**
 * zstd by zstd-codec (WebAssembly): for hosts without the program.
 *
 * Each stream runs in a thread of its own, which ends with the iteration.
 */
import { on } from "node:events";
import type { FileHandle } from "node:fs/promises";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { orAborted } from "../../base/abort.ts";
import { WorkerError } from "../../base/errors.ts";
import {
  type CompressOptions,
  type DecompressOptions,
  type ZstdCodec,
  ZstdError,
  type ZstdErrorCode,
} from "./codec.ts";
import type { CodecInput, CodecJob, CodecOutput } from "./codec-protocol.ts";
import { walked } from "./guards.ts";

/** The module's memory is fixed and is too small for the tables of higher levels. */
const MAX_LEVEL = 9;

/** The worker's file beside this one: TypeScript from a checkout, JavaScript when built. */
const WORKER_FILE = new URL(`./codec-worker${extname(import.meta.url)}`, import.meta.url);

export class CodecZstd implements ZstdCodec {
  readonly name = "zstd-codec";

  async *decompress(source: AsyncIterable<Uint8Array>, options: DecompressOptions): AsyncGenerator<Buffer> {
    const credits = new SharedArrayBuffer(4);
    const job: CodecJob = { direction: "decompress", maxOutputBytes: options.maxOutputBytes, credits };
    yield* run(job, walked(source, options.maxOutputBytes), options.signal);
  }

  async *compress(source: AsyncIterable<Uint8Array>, options: CompressOptions): AsyncGenerator<Buffer> {
    const { contentBytes, signal } = options;
    const credits = new SharedArrayBuffer(4);
    yield* run(
      { direction: "compress", level: Math.min(options.level, MAX_LEVEL), contentBytes, credits },
      source,
      signal,
    );
  }

  async compressInto(file: FileHandle, source: AsyncIterable<Uint8Array>, options: CompressOptions): Promise<void> {
    for await (const chunk of this.compress(source, options)) await file.writeFile(chunk);
  }
}

async function* run(
  job: CodecJob,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  signal?.throwIfAborted();
  const credits = new Int32Array(job.credits);
  const worker = new Worker(WORKER_FILE, { workerData: job, stdout: true, stderr: true });
  const input = source[Symbol.asyncIterator]();
  try {
    const messages = on(worker, "message", { close: ["exit"], ...(signal === undefined ? {} : { signal }) });
    for await (const [message] of messages as AsyncIterable<[CodecOutput]>) {
      switch (message.type) {
        case "pull":
          sendInput(worker, await orAborted(input.next(), signal));
          break;
        case "output":
          yield Buffer.from(message.chunk.buffer, message.chunk.byteOffset, message.chunk.byteLength);
          Atomics.sub(credits, 0, 1);
          Atomics.notify(credits, 0);
          break;
        case "done":
          return;
        case "refused":
          throw refusal(message.code, message.message);
      }
    }
    throw refusal("zstd-failed", "the thread of zstd-codec ended early");
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await worker.terminate();
    // Not awaited: a source that is stuck must not hold up the one who gave up on it.
    void input.return?.().catch(() => {});
  }
}

function sendInput(worker: Worker, next: IteratorResult<Uint8Array>): void {
  if (next.done === true) {
    worker.postMessage({ end: true } satisfies CodecInput);
    return;
  }
  // A copy: the chunk may be a view on a pool that must not be given away.
  const chunk = new Uint8Array(next.value);
  worker.postMessage({ chunk } satisfies CodecInput, [chunk.buffer]);
}

function refusal(code: ZstdErrorCode | "zstd-failed", message: string): WorkerError {
  return code === "zstd-failed" ? new WorkerError(message, { code, blame: "host" }) : new ZstdError(code, message);
}
