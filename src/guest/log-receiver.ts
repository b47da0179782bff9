/**
 * The log of one guest on its way to its sink.
 *
 * A stream whose position is known (header X-Boxcar-Log-Offset) may be sent again from an earlier byte after its
 * connection broke: what has arrived already is left out. There is one such stream; its newest connection takes over
 * from an older one, which may be dead without anybody having noticed. The positions go on from one command of the
 * task to the next. Streams without a position are appended as they come.
 *
 * *Borrows* the sink, and never ends it. Bytes that have arrived are written even if their connection broke.
 */
import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";

export interface LogReceiverOptions {
  readonly sink: Writable;
  /** Bytes above this are thrown away; default: no limit. */
  readonly maxBytes?: number | undefined;
  /** Where the stream with positions goes on: what comes before is left out. Default 0. */
  readonly position?: number | undefined;
  /** The limit has been reached; called once, after the last byte below it was written. */
  readonly onLimit?: (() => void) | undefined;
}

/** One request being read. */
interface Intake {
  /** Takes what has arrived and lets go of the request. */
  stop(): void;
}

export class LogReceiver {
  readonly #options: LogReceiverOptions;
  #writtenBytes = 0;
  #receivedBytes = 0;
  #limitReached = false;
  #position: number;
  #positioned: Intake | undefined;
  #drained: Promise<void> | undefined;

  constructor(options: LogReceiverOptions) {
    this.#options = options;
    this.#position = options.position ?? 0;
  }

  /** Bytes handed to the sink so far. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** End of what has arrived of the stream with positions. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that have arrived, those that were thrown away included. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Reads the body of `request` to its end; false if it broke off. `offset` is the position of its first byte. */
  async receive(request: IncomingMessage, offset?: number): Promise<boolean> {
    if (offset === undefined) return this.#take(request, (chunk) => this.#write(chunk)).done;
    this.#positioned?.stop();
    let at = offset;
    if (offset > this.#position) this.#position = offset;
    const intake = this.#take(request, (chunk) => {
      const fresh = chunk.subarray(Math.max(0, this.#position - at));
      at += chunk.length;
      this.#position += fresh.length;
      this.#write(fresh);
    });
    this.#positioned = intake;
    return intake.done;
  }

  /** Lets go of the stream with positions, which may be that of an agent that died, and says where it has ended. */
  settle(): number {
    this.#positioned?.stop();
    return this.#position;
  }

  #take(request: IncomingMessage, accept: (chunk: Buffer) => void): Intake & { done: Promise<boolean> } {
    const done = Promise.withResolvers<boolean>();
    const onData = (chunk: Buffer) => {
      accept(chunk);
      if (this.#drained === undefined) return;
      request.pause();
      void this.#drained.then(() => request.resume());
    };
    const finish = (whole: boolean) => {
      request.off("data", onData);
      done.resolve(whole);
    };
    // A request that was paused when its connection broke still holds what had arrived.
    const takeRest = () => {
      for (let rest = request.read(); rest !== null; rest = request.read()) accept(rest);
    };
    request.on("data", onData);
    request.once("end", () => finish(true));
    request.on("error", () => {});
    request.once("close", () => {
      request.off("data", onData);
      takeRest();
      finish(request.complete);
    });
    const stop = () => {
      request.off("data", onData);
      request.pause();
      takeRest();
      finish(false);
      request.destroy();
    };
    return { stop, done: done.promise };
  }

  #write(chunk: Buffer): void {
    const { sink, maxBytes = Number.POSITIVE_INFINITY, onLimit } = this.#options;
    this.#receivedBytes += chunk.length;
    if (this.#limitReached || chunk.length === 0) return;
    const kept = chunk.subarray(0, maxBytes - this.#writtenBytes);
    this.#writtenBytes += kept.length;
    if (kept.length > 0 && !sink.destroyed && !sink.writableEnded && !sink.write(kept)) this.#drained ??= this.#drain();
    if (kept.length < chunk.length) {
      this.#limitReached = true;
      onLimit?.();
    }
  }

  #drain(): Promise<void> {
    const { sink } = this.#options;
    const drained = Promise.withResolvers<void>();
    const done = () => {
      sink.off("drain", done);
      sink.off("close", done);
      this.#drained = undefined;
      drained.resolve();
    };
    sink.on("drain", done);
    sink.on("close", done);
    return drained.promise;
  }
}
