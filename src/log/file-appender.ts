/**
 * Appends to a file, in order, without waiting for the disk.
 *
 * What cannot be written (the disk is full, say) is given up: whoever appends goes on, and a line says how much is
 * missing where it is missing, as soon as there is space for it, or at the end.
 *
 * *Owns* the file while it is open.
 */
import { type FileHandle, open } from "node:fs/promises";
import { codeOf, messageOf } from "../base/errors.ts";
import { BlockQueue } from "./block-queue.ts";

export interface FileAppenderOptions {
  /** Tells what stands in the place of bytes that are missing; ends with a newline. */
  readonly describeLoss: (lostBytes: number, cause: string) => string;
  /** These bytes are in the file now, from `position` on; they are the caller's for the time of the call only. */
  readonly onWritten: (position: number, chunks: readonly Buffer[]) => void;
}

/** Above this, whoever appends should wait. */
const QUEUE_BYTES = 1_024 * 1_024;
/**
 * A guest's bytes come packet by packet, and a write costs more than a packet. So the first of them is written at once,
 * and the next with those that come meanwhile, unless there are many.
 */
const PACE_MS = 3;
const PACED_BYTES = 128 * 1_024;

const NEWLINE = 10;

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk of the host is full",
  EDQUOT: "the quota of the worker on the disk of the host is used up",
  EFBIG: "the host allows no larger file",
};

export class FileAppender {
  readonly #file: FileHandle;
  readonly #options: FileAppenderOptions;
  readonly #queue = new BlockQueue();
  #writingBytes = 0;
  #sizeBytes = 0;
  #lastByte = NEWLINE;
  #lost: { bytes: number; cause: string } | undefined;
  #totalLostBytes = 0;
  #writing: Promise<void> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #wroteAtMs = Number.NEGATIVE_INFINITY;
  #pause: PromiseWithResolvers<void> | undefined;
  /** Those that wait for all to be written. */
  #hurried = 0;

  private constructor(file: FileHandle, options: FileAppenderOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** @throws There is such a file already, or none can be made. */
  static async create(path: string, options: FileAppenderOptions): Promise<FileAppender> {
    return new FileAppender(await open(path, "ax", 0o640), options);
  }

  /** Bytes in the file. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Bytes on their way into the file. */
  get queuedBytes(): number {
    return this.#queue.sizeBytes + this.#writingBytes;
  }

  /** Bytes that were to be in the file and are not. */
  get lostBytes(): number {
    return this.#totalLostBytes;
  }

  /** Takes a copy of the bytes in any case; false: wait for {@link drained} before the next. */
  append(bytes: Uint8Array): boolean {
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#writing ??= this.#writeAll();
      if (this.#queue.sizeBytes >= PACED_BYTES) this.#pause?.resolve();
    }
    return this.queuedBytes < QUEUE_BYTES;
  }

  /** There is room for more. */
  async drained(): Promise<void> {
    if (this.queuedBytes < QUEUE_BYTES) return;
    this.#drained ??= Promise.withResolvers();
    await this.#drained.promise;
  }

  /** Everything appended so far is in the file, as the kernel has it, or lost. */
  async flush(): Promise<void> {
    this.#hurried++;
    this.#pause?.resolve();
    await this.#writing;
    this.#hurried--;
  }

  /** Nothing may be appended from then on. */
  async close(): Promise<void> {
    await this.flush();
    await this.#reportLoss();
    // Who could be told? What was written has been counted.
    await this.#file.close().catch(() => {});
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.sizeBytes > 0) {
      await this.#pace();
      this.#wroteAtMs = performance.now();
      this.#writingBytes = this.#queue.sizeBytes;
      const batch = this.#queue.take();
      if (await this.#reportLoss()) await this.#write(batch);
      else this.#lose(sizeOf(batch));
      this.#queue.release(batch);
      this.#writingBytes = 0;
      if (this.queuedBytes < QUEUE_BYTES) {
        this.#drained?.resolve();
        this.#drained = undefined;
      }
    }
    this.#writing = undefined;
  }

  async #pace(): Promise<void> {
    const restMs = this.#wroteAtMs + PACE_MS - performance.now();
    if (restMs <= 0 || this.#hurried > 0 || this.#queue.sizeBytes >= PACED_BYTES) return;
    const pause = Promise.withResolvers<void>();
    const timer = setTimeout(pause.resolve, restMs);
    this.#pause = pause;
    await pause.promise;
    this.#pause = undefined;
    clearTimeout(timer);
  }

  /** @returns whether nothing is missing that is not told. */
  async #reportLoss(): Promise<boolean> {
    const lost = this.#lost;
    if (lost === undefined) return true;
    this.#lost = undefined;
    const line = this.#options.describeLoss(lost.bytes, lost.cause);
    const unwritten = await this.#tryWrite([Buffer.from(this.#lastByte === NEWLINE ? line : `\n${line}`)]);
    if (unwritten.cause === undefined) return true;
    this.#lost = { bytes: lost.bytes, cause: unwritten.cause };
    return false;
  }

  async #write(batch: readonly Buffer[]): Promise<void> {
    const { bytes, cause } = await this.#tryWrite(batch);
    if (cause === undefined) return;
    this.#lost = { bytes: 0, cause };
    this.#lose(bytes);
  }

  #lose(bytes: number): void {
    if (this.#lost !== undefined) this.#lost.bytes += bytes;
    this.#totalLostBytes += bytes;
  }

  /** @returns how many bytes could not be written, and why. */
  async #tryWrite(batch: readonly Buffer[]): Promise<{ bytes: number; cause?: string }> {
    let rest = batch;
    while (rest.length > 0) {
      try {
        const { bytesWritten } = await this.#file.writev(rest);
        const written = splitAt(rest, bytesWritten);
        rest = written.after;
        this.#noteWritten(written.before);
      } catch (error) {
        return { bytes: sizeOf(rest), cause: CAUSES[codeOf(error) ?? ""] ?? messageOf(error) };
      }
    }
    return { bytes: 0 };
  }

  #noteWritten(chunks: readonly Buffer[]): void {
    const position = this.#sizeBytes;
    const bytes = sizeOf(chunks);
    this.#sizeBytes += bytes;
    this.#writingBytes = Math.max(0, this.#writingBytes - bytes);
    this.#lastByte = chunks.at(-1)?.at(-1) ?? this.#lastByte;
    this.#options.onWritten(position, chunks);
  }
}

function sizeOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

function splitAt(chunks: readonly Buffer[], bytes: number): { before: Buffer[]; after: Buffer[] } {
  const before: Buffer[] = [];
  const after: Buffer[] = [];
  let at = 0;
  for (const chunk of chunks) {
    const cut = Math.min(Math.max(bytes - at, 0), chunk.length);
    if (cut > 0) before.push(cut === chunk.length ? chunk : chunk.subarray(0, cut));
    if (cut < chunk.length) after.push(cut === 0 ? chunk : chunk.subarray(cut));
    at += chunk.length;
  }
  return { before, after };
}
