/** Counts what passes, and ends a stream that is too long. */
import { Transform } from "node:stream";

export class Meter extends Transform {
  readonly #onBytes: (bytes: number) => void;
  readonly #maxBytes: number;
  readonly #tooLarge: () => Error;
  #bytes = 0;

  constructor(onBytes: (bytes: number) => void, maxBytes: number, tooLarge: () => Error) {
    super();
    this.#onBytes = onBytes;
    this.#maxBytes = maxBytes;
    this.#tooLarge = tooLarge;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error: Error | null, data?: Buffer) => void,
  ) {
    this.#bytes += chunk.length;
    this.#onBytes(chunk.length);
    if (this.#bytes > this.#maxBytes) callback(this.#tooLarge());
    else callback(null, chunk);
  }
}
