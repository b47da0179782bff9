/** Reads a stream of chunks of any size in the portions a parser wants. */
import { ImageError } from "../errors.ts";

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Bytes handed out so far. */
  get position(): number {
    return this.#position;
  }

  /** Between 1 and `max` bytes, or undefined at the end of the stream. They may be used until the next read. */
  async read(max: number): Promise<Buffer | undefined> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const part = this.#chunk.subarray(0, max);
    this.#chunk = this.#chunk.subarray(part.length);
    this.#position += part.length;
    return part;
  }

  /** @throws {@link ImageError} `archive-truncated` if the stream ends before. */
  async readExactly(bytes: number): Promise<Buffer> {
    const whole = await this.tryReadExactly(bytes);
    if (whole === undefined) throw truncated();
    return whole;
  }

  /** Like {@link readExactly}, but undefined where the stream ends before the first byte. */
  async tryReadExactly(bytes: number): Promise<Buffer | undefined> {
    const first = await this.read(bytes);
    if (first === undefined || first.length === bytes) return first;
    const parts = [Buffer.from(first)];
    for (let missing = bytes - first.length; missing > 0; ) {
      const part = await this.read(missing);
      if (part === undefined) throw truncated();
      parts.push(Buffer.from(part));
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Lets the source go. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

export function truncated(): ImageError {
  return new ImageError("archive-truncated", "the tar data ends in the middle of a file; pack the archive again");
}
