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

export interface FileAppenderOptions {
  /** Tells what stands in the place of bytes that are missing; ends with a newline. */
  readonly describeLoss: (lostBytes: number, cause: string) => string;
  /** Bytes are in the file now, from `position` on. */
  readonly onWritten: (position: number, chunks: readonly Buffer[]) => void;
}

/** Above this, whoever appends should wait. */
const QUEUE_BYTES = 1_024 * 1_024;
/** The kernel takes no more pieces at once. */
const MAX_PIECES = 1_024;

const NEWLINE = 10;

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk of the host is full",
  EDQUOT: "the quota of the worker on the disk of the host is used up",
  EFBIG: "the host allows no larger file",
};

export class FileAppender {
  readonly #file: FileHandle;
  readonly #options: FileAppenderOptions;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #sizeBytes = 0;
  #lastByte = NEWLINE;
  #lost: { bytes: number; cause: string } | undefined;
  #totalLostBytes = 0;
  #writing: Promise<void> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

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

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes that were to be in the file and are not. */
  get lostBytes(): number {
    return this.#totalLostBytes;
  }

  /** Takes the bytes in any case; false: wait for {@link drained} before the next. They must not be changed any more. */
  append(bytes: Buffer): boolean {
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
      this.#writing ??= this.#writeAll();
    }
    return this.#queuedBytes < QUEUE_BYTES;
  }

  /** There is room for more. */
  async drained(): Promise<void> {
    if (this.#queuedBytes < QUEUE_BYTES) return;
    this.#drained ??= Promise.withResolvers();
    await this.#drained.promise;
  }

  /** Everything appended so far is in the file, as the kernel has it, or lost. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Nothing may be appended from then on. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#reportLoss();
    // Who could be told? What was written has been counted.
    await this.#file.close().catch(() => {});
  }

  async #writeAll(): Promise<void> {
    // What is appended in the same turn is written at once.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, MAX_PIECES);
      this.#queue = this.#queue.slice(MAX_PIECES);
      if (await this.#reportLoss()) await this.#write(batch);
      else this.#lose(sizeOf(batch));
      this.#queuedBytes -= sizeOf(batch);
      if (this.#queuedBytes < QUEUE_BYTES) {
        this.#drained?.resolve();
        this.#drained = undefined;
      }
    }
    this.#writing = undefined;
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
    this.#sizeBytes += sizeOf(chunks);
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
