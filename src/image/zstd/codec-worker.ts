/**
 * The thread of one zstd-codec stream; it lives as long as the stream.
 *
 *   pull → chunk → output … output → pull → … → end → output → done
 *
 * One small chunk can unpack to gigabytes inside a single call, so back-pressure has to act inside the call: the
 * thread blocks while {@link MAX_OUTPUT_CHUNKS} chunks wait for the consumer. The input keeps one chunk ahead.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../../base/errors.ts";
import { corrupt, outputTooLarge, ZstdError } from "./codec.ts";
import { loadCodecModule, type StreamBinding } from "./codec-binding.ts";
import { type CodecInput, type CodecJob, type CodecOutput, MAX_OUTPUT_CHUNKS } from "./codec-protocol.ts";
import { FrameRewriter } from "./frame-rewriter.ts";

const job = workerData as CodecJob;
const port = parentPort as MessagePort;
const credits = new Int32Array(job.credits);

function send(message: CodecOutput, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function sendOutput(bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const chunk = new Uint8Array(bytes);
  send({ type: "output", chunk }, [chunk.buffer]);
  Atomics.add(credits, 0, 1);
  for (let waiting = Atomics.load(credits, 0); waiting >= MAX_OUTPUT_CHUNKS; waiting = Atomics.load(credits, 0)) {
    Atomics.wait(credits, 0, waiting);
  }
}

interface Pipe {
  transform(chunk: Uint8Array): void;
  end(): void;
}

async function openPipe(): Promise<Pipe> {
  const { module } = await loadCodecModule();
  if (job.direction === "decompress") {
    const stream = new module.ZstdDecompressStreamBinding();
    if (!stream.begin()) throw new Error("zstd-codec could not start to decompress");
    return decompressor(stream, job.maxOutputBytes);
  }
  const stream = new module.ZstdCompressStreamBinding();
  if (!stream.begin(job.level)) throw new Error("zstd-codec could not start to compress");
  return compressor(stream, job.contentBytes);
}

function decompressor(stream: StreamBinding, maxOutputBytes: number): Pipe {
  let total = 0;
  const sink = (bytes: Uint8Array) => {
    total += bytes.length;
    if (total > maxOutputBytes) throw outputTooLarge(maxOutputBytes);
    sendOutput(bytes);
  };
  const check = (ok: boolean) => {
    if (!ok) throw corrupt("a block or the checksum is wrong");
  };
  return { transform: (chunk) => check(stream.transform(chunk, sink)), end: () => check(stream.end(sink)) };
}

function compressor(stream: StreamBinding, contentBytes: number | undefined): Pipe {
  const frame = new FrameRewriter(contentBytes);
  const sink = (bytes: Uint8Array) => sendOutput(frame.output(bytes));
  const check = (ok: boolean) => {
    if (!ok) throw new Error("zstd-codec failed to compress");
  };
  return {
    transform(chunk) {
      frame.input(chunk);
      check(stream.transform(chunk, sink));
    },
    end() {
      check(stream.end(sink));
      sendOutput(frame.end());
    },
  };
}

function report(error: unknown): void {
  const code = error instanceof ZstdError ? (error.code as ZstdError["code"]) : "zstd-failed";
  send({ type: "refused", code: code as "zstd-failed", message: messageOf(error) });
  port.close();
}

// An abort of the module comes as a rejection nobody waits for.
process.on("unhandledRejection", report);

try {
  const pipe = await openPipe();
  port.on("message", (input: CodecInput) => {
    try {
      if ("end" in input) {
        pipe.end();
        send({ type: "done" });
        port.close();
        return;
      }
      send({ type: "pull" });
      pipe.transform(input.chunk);
    } catch (error) {
      report(error);
    }
  });
  send({ type: "pull" });
} catch (error) {
  report(error);
}
