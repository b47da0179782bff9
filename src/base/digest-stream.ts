/** How much passes through a stream, and what it hashes to. */
import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";

/** What is known of bytes. */
export interface Digest {
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Passes everything on as it is. */
export class DigestStream extends Transform {
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  /** Of what has passed so far. */
  digest(): Digest {
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.copy().digest("hex") };
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    done(null, chunk);
  }
}
