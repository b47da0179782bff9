/**
 * A file that one writes while others read it already, each as fast as it likes.
 *
 *   growing ──complete()──▶ complete ──close()──▶ closed by the last reader
 *      └──────fail()──────▶ failed: readers get the error
 *
 * *Owns* the open file until the writer and the last reader are done.
 */
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";

const READ_BYTES = 256 * 1_024;

type End = "none" | "complete" | { readonly error: unknown };

export class GrowingFile {
  readonly #handle: FileHandle;
  #bytes = 0;
  #end: End = "none";
  #rest: Readable | undefined;
  /** The writer is one of them. */
  #users = 1;
  #changed = Promise.withResolvers<void>();
  readonly #onReaders: (count: number) => void;

  private constructor(handle: FileHandle, onReaders: (count: number) => void) {
    this.#handle = handle;
    this.#onReaders = onReaders;
  }

  /**
   * @param path Of a file that is not there yet.
   * @param onReaders Told how many readers are left when one has gone before the end.
   */
  static async create(path: string, onReaders: (count: number) => void): Promise<GrowingFile> {
    return new GrowingFile(await open(path, "wx+", 0o600), onReaders);
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, this.#bytes + written);
      written += bytesWritten;
    }
    this.#bytes += chunk.length;
    this.#wake();
  }

  /** Waits until the disk has it. */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  /** No more is written. */
  complete(): void {
    this.#finish("complete");
  }

  /** For the writer, after {@link GrowingFile.complete}. */
  async close(): Promise<void> {
    await this.leave();
  }

  async fail(error: unknown): Promise<void> {
    this.#finish({ error });
    await this.leave();
  }

  /** No more is written, and `rest` follows: for the first reader that comes to it. All others fail there. */
  async handOver(rest: Readable): Promise<void> {
    this.#rest = rest;
    this.#finish({ error: new Error("it is too large to be read by several") });
    await this.leave();
  }

  /** From the first byte on. */
  read(): Readable {
    this.#users += 1;
    return new Tail(this);
  }

  /** What there is from `position` on, as soon as there is something; undefined at the end. */
  async chunkAt(position: number): Promise<Buffer | Readable | undefined> {
    while (position >= this.#bytes) {
      if (this.#end === "complete") return undefined;
      const rest = this.#rest;
      this.#rest = undefined;
      if (rest !== undefined) return rest;
      if (this.#end !== "none") throw this.#end.error;
      await this.#changed.promise;
    }
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, this.#bytes - position));
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new Error("the file was cut off");
    return buffer.subarray(0, bytesRead);
  }

  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#end === "none") this.#onReaders(this.#users - 1);
    if (this.#users > 0) return;
    this.#rest?.destroy();
    await this.#handle.close();
  }

  #finish(end: End): void {
    this.#end = end;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

class Tail extends Readable {
  readonly #file: GrowingFile;
  #position = 0;
  #rest: { stream: Readable; chunks: AsyncIterator<Buffer> } | undefined;

  constructor(file: GrowingFile) {
    super({ highWaterMark: READ_BYTES });
    this.#file = file;
  }

  override _read(): void {
    this.#next().then(
      (chunk) => this.push(chunk ?? null),
      (error: Error) => this.destroy(error),
    );
  }

  async #next(): Promise<Buffer | undefined> {
    if (this.#rest !== undefined) return (await this.#rest.chunks.next()).value;
    const chunk = await this.#file.chunkAt(this.#position);
    if (!(chunk instanceof Readable)) {
      this.#position += chunk?.length ?? 0;
      return chunk;
    }
    if (this.destroyed) {
      chunk.destroy();
      return undefined;
    }
    this.#rest = { stream: chunk, chunks: chunk[Symbol.asyncIterator]() };
    return await this.#next();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#rest?.stream.destroy();
    this.#file.leave().then(() => callback(error), callback);
  }
}
