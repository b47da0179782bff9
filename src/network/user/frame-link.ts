/**
 * The wire between a machine's network card and the stack that answers on it.
 *
 * *Owns* the stream. Frames of one turn leave in one write, and what waits for
 * a machine that does not drain its card, or for its limits, is bounded: a
 * sender of data asks `hasRoom` first and goes on at `drained`, anything else
 * is refused by `tryAllocate` a little later. A machine that sends more than
 * its limits is not read from for a while.
 */
import type { Duplex } from "node:stream";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import { FRAME_PREFIX_BYTES, FrameDecoder } from "./frame-decoder.ts";
import { type InputLimits, PacedInput } from "./paced-input.ts";
import { PacedOutput } from "./paced-output.ts";

/** Waiting bytes above which senders of data pause; at twice as many nothing more is taken. */
const DATA_LIMIT_BYTES = 256 * 1_024;
const BATCH_BYTES = 64 * 1_024;

/** Of the machine: frames it sends, and bytes in each direction, the prefixes of frames among them. */
export type LinkLimits = InputLimits;

const NO_LIMITS: LinkLimits = { packetsPerSecond: undefined, bytesPerSecond: undefined };

/** Who lives at our end of the link. */
export interface FrameSink {
  /** `frame` is valid only during the call. */
  frame(frame: Buffer): void;
  /** All frames that came together were given; now is the time to answer. */
  batchEnd(): void;
  /** There is room again. */
  drained(): void;
  /** Called once. The error is undefined if the machine closed its end or we did. */
  closed(error: WorkerError | undefined): void;
}

export class FrameLink {
  readonly #stream: Duplex;
  readonly #sink: FrameSink;
  readonly #decoder = new FrameDecoder();
  readonly #input: PacedInput;
  readonly #output: PacedOutput;
  readonly #dataLimitBytes: number;
  #batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  /** Where the frames not yet written begin and end in the batch. */
  #start = 0;
  #end = 0;
  #flushScheduled = false;
  #receiving = false;
  #closed = false;

  constructor(stream: Duplex, sink: FrameSink, limits: LinkLimits = NO_LIMITS) {
    this.#stream = stream;
    this.#sink = sink;
    this.#input = new PacedInput(stream, limits);
    this.#output = new PacedOutput(stream, limits.bytesPerSecond, () => sink.drained());
    // Below its high-water mark a stream would not tell when it has drained.
    this.#dataLimitBytes = Math.max(DATA_LIMIT_BYTES, stream.writableHighWaterMark);
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("drain", () => this.#closed || this.#sink.drained());
    stream.on("error", (error) => this.#close(linkError(error)));
    stream.on("end", () => this.#close(undefined));
    stream.on("close", () => this.#close(undefined));
  }

  get waitingBytes(): number {
    return this.#stream.writableLength + this.#output.heldBytes + this.#end - this.#start;
  }

  /** Whether more data may be queued; if not, `drained` follows. */
  get hasRoom(): boolean {
    if (this.#closed || this.waitingBytes >= this.#dataLimitBytes) return false;
    return this.#output.hasRoom(this.#end - this.#start);
  }

  /**
   * Room for one frame, to be filled before the next call. It leaves at the end of the turn.
   * Undefined if too much is waiting or the link is closed: the frame is lost.
   */
  tryAllocate(frameBytes: number): Buffer | undefined {
    if (this.#closed || this.waitingBytes >= 2 * this.#dataLimitBytes) return undefined;
    const size = FRAME_PREFIX_BYTES + frameBytes;
    if (this.#end + size > this.#batch.length) {
      this.flush();
      // What was written still belongs to the stream, so a batch is never used twice.
      this.#batch = Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, size));
      this.#start = 0;
      this.#end = 0;
    }
    this.#batch.writeUInt32BE(frameBytes, this.#end);
    const frame = this.#batch.subarray(this.#end + FRAME_PREFIX_BYTES, this.#end + size);
    this.#end += size;
    this.#scheduleFlush();
    return frame;
  }

  /** Writes what was allocated. */
  flush(): void {
    if (this.#start === this.#end || this.#closed) return;
    const batch = this.#batch.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#output.write(batch);
  }

  /** Closes the link at once; idempotent. */
  destroy(): void {
    this.#close(undefined);
  }

  #scheduleFlush(): void {
    if (this.#receiving || this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    this.#receiving = true;
    let frames = 0;
    try {
      this.#decoder.decode(chunk, (frame) => {
        frames += 1;
        if (!this.#closed) this.#sink.frame(frame);
      });
      if (!this.#closed) this.#sink.batchEnd();
    } catch (error) {
      this.#close(linkError(error));
    }
    this.#receiving = false;
    this.flush();
    if (!this.#closed) this.#input.spend(frames, chunk.length);
  }

  #close(error: WorkerError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.stop();
    this.#output.stop();
    // A late error of a stream that is being destroyed must not crash the process.
    this.#stream.on("error", () => {});
    this.#stream.destroy();
    this.#sink.closed(error);
  }
}

/** A killed QEMU that had not read everything resets the link: that is an end, not a fault. */
function linkError(error: unknown): WorkerError | undefined {
  const code = codeOf(error);
  if (code === "ECONNRESET" || code === "EPIPE") return undefined;
  if (error instanceof WorkerError) return error;
  return new WorkerError(`the machine's network link failed: ${messageOf(error)}`, {
    code: "network-link-failed",
    blame: "host",
    cause: error,
  });
}
