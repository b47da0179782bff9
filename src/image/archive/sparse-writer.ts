/**
 * Writes a file piece by piece and leaves holes where the data is zero.
 *
 * Neighbouring pieces are gathered into large writes, and a few writes are under way while the next pieces come in. What
 * is gathered is copied into a few buffers that are used again and again: memory that is new each time costs more, to get
 * and to collect. A short run of zeros between data is written as it is: a seek costs more than the bytes.
 */
import type { FileHandle } from "node:fs/promises";
import { EarlySync } from "../../host/early-sync.ts";

const BLOCK_BYTES = 4_096;
const MIN_HOLE_BYTES = 16 * 1_024;
const GATHER_BYTES = 1_024 * 1_024;
/** With what is decoded and synced meanwhile, as many as Node has threads for. */
const MAX_WRITES = 2;
const ZEROS = Buffer.alloc(MIN_HOLE_BYTES);

export class SparseWriter {
  readonly #file: FileHandle;
  /** Of {@link GATHER_BYTES}; undefined until there is something to gather. */
  #buffer: Buffer | undefined;
  readonly #free: Buffer[] = [];
  #gatheredBytes = 0;
  #start = 0;
  #end = 0;
  #written = 0;
  readonly #writes = new Set<Promise<void>>();
  readonly #sync: EarlySync;
  #failure: { error: unknown } | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
    this.#sync = new EarlySync(file);
  }

  /** Bytes handed to the kernel so far. */
  get writtenBytes(): number {
    return this.#written;
  }

  /** `offset` must not lie before the end of an earlier piece. The chunk is not needed any more afterwards. */
  async write(offset: number, chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      const isZero = this.#isZero(chunk, from, offset);
      let to = blockEnd(chunk, from, offset);
      while (to < chunk.length && this.#isZero(chunk, to, offset) === isZero) to = blockEnd(chunk, to, offset);
      if (!isZero) await this.#gather(offset + from, chunk.subarray(from, to));
      from = to;
    }
  }

  /** Gives the file its apparent size and waits until the disk has all of it. */
  async finish(bytes: number): Promise<void> {
    this.#flush();
    await Promise.all([...this.#writes, this.#sync.settle()]);
    this.#throwFailure();
    await this.#file.truncate(bytes);
    await this.#file.sync();
  }

  /** Waits until the file may be closed, whatever happened. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#writes, this.#sync.settle()]);
  }

  #isZero(chunk: Buffer, from: number, offset: number): boolean {
    // Asked first because it mostly settles it.
    if (chunk[from] !== 0) return false;
    const to = blockEnd(chunk, from, offset);
    return chunk.compare(ZEROS, 0, to - from, from, to) === 0;
  }

  async #gather(offset: number, piece: Buffer): Promise<void> {
    const gap = offset - this.#end;
    if (this.#gatheredBytes > 0 && gap < MIN_HOLE_BYTES) {
      await this.#append(ZEROS.subarray(0, gap));
    } else {
      this.#flush();
      this.#start = offset;
      this.#end = offset;
    }
    await this.#append(piece);
  }

  async #append(piece: Buffer): Promise<void> {
    for (let from = 0; from < piece.length; ) {
      this.#buffer ??= await this.#nextBuffer();
      const taken = piece.copy(this.#buffer, this.#gatheredBytes, from);
      from += taken;
      this.#gatheredBytes += taken;
      this.#end += taken;
      if (this.#gatheredBytes === GATHER_BYTES) this.#flush();
    }
  }

  async #nextBuffer(): Promise<Buffer> {
    while (this.#writes.size >= MAX_WRITES) await Promise.race(this.#writes);
    this.#throwFailure();
    return this.#free.pop() ?? Buffer.allocUnsafe(GATHER_BYTES);
  }

  #flush(): void {
    const buffer = this.#buffer;
    if (buffer === undefined || this.#gatheredBytes === 0) return;
    const bytes = this.#gatheredBytes;
    const write = this.#noteFailure(writeAll(this.#file, buffer.subarray(0, bytes), this.#start)).finally(() => {
      this.#writes.delete(write);
      this.#free.push(buffer);
    });
    this.#writes.add(write);
    this.#written += bytes;
    this.#start += bytes;
    this.#buffer = undefined;
    this.#gatheredBytes = 0;
    this.#sync.wrote(bytes);
  }

  async #noteFailure(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#sync.throwFailure();
  }
}

/** The end of the block of the *file* in which `chunk[from]` lies, or of the chunk if that is first. */
function blockEnd(chunk: Buffer, from: number, offset: number): number {
  const inBlock = (offset + from) % BLOCK_BYTES;
  return Math.min(chunk.length, from + BLOCK_BYTES - inBlock);
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
