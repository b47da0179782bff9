/**
 * Reads a log from its file, and then what is added, as it is added.
 *
 * A reader that keeps up gets the bytes that were written just now without reading them again. One that does not
 * reads them from the file in its own time: neither it nor anybody else waits for it, and it holds no more than one
 * block of them. *Owns* its file handle; *borrows* the feed.
 */
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ReadBudget } from "./read-budget.ts";
import type { WaitingReader, WaitingReaders } from "./waiting-readers.ts";

/** What is being written. */
export interface LogFeed {
  /** Bytes in the file. */
  readonly sizeBytes: number;
  readonly ended: boolean;
  /** Those that have read all there is. Each is told once, and has to come back. */
  readonly waiting: Pick<WaitingReaders, "add" | "delete">;
  /** What those who follow may read. */
  readonly budget: Pick<ReadBudget, "take">;
}

export interface LogReaderOptions {
  readonly path: string;
  readonly position: number;
  /** Otherwise it ends where the log ends now. */
  readonly follow: boolean;
  readonly feed: LogFeed;
  readonly signal?: AbortSignal | undefined;
}

const BLOCK_BYTES = 64 * 1_024;

export class LogReader extends Readable implements WaitingReader {
  readonly #path: string;
  readonly #feed: LogFeed;
  readonly #follow: boolean;
  readonly #endBytes: number;
  #position: number;
  #file: FileHandle | undefined;

  constructor({ path, position, follow, feed, signal }: LogReaderOptions) {
    super({ highWaterMark: BLOCK_BYTES, ...(signal === undefined ? {} : { signal }) });
    this.#path = path;
    this.#feed = feed;
    this.#follow = follow;
    this.#position = position;
    this.#endBytes = feed.sizeBytes;
  }

  override _construct(done: (error?: Error | null) => void): void {
    open(this.#path, "r").then((file) => {
      this.#file = file;
      done();
    }, done);
  }

  override _read(): void {
    const endBytes = this.#follow ? this.#feed.sizeBytes : this.#endBytes;
    if (this.#position < endBytes) {
      const sizeBytes = Math.min(BLOCK_BYTES, endBytes - this.#position);
      this.#inTurn(sizeBytes, () => void this.#readFile(sizeBytes));
    } else if (!this.#follow || this.#feed.ended) this.push(null);
    else this.#feed.waiting.add(this);
  }

  wake(position: number, bytes: Buffer): void {
    if (position !== this.#position || bytes.length === 0) this._read();
    else {
      this.#inTurn(bytes.length, () => {
        this.#position += bytes.length;
        this.push(bytes);
      });
    }
  }

  /** Who wants what there is now has asked for a file, and gets it. */
  #inTurn(sizeBytes: number, go: () => void): void {
    const goUnlessGone = () => {
      if (!this.destroyed) go();
    };
    if (this.#follow) this.#feed.budget.take(sizeBytes, goUnlessGone);
    else go();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#feed.waiting.delete(this);
    const closed = this.#file?.close() ?? Promise.resolve();
    closed.then(() => done(error), done);
  }

  async #readFile(sizeBytes: number): Promise<void> {
    try {
      const result = await this.#file?.read(Buffer.allocUnsafe(sizeBytes), 0, sizeBytes, this.#position);
      if (this.destroyed || result === undefined) return;
      const { buffer, bytesRead } = result;
      if (bytesRead === 0) throw new Error(`${this.#path} has become shorter while it was read`);
      this.#position += bytesRead;
      this.push(buffer.subarray(0, bytesRead));
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}
