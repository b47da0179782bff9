/**
 * Adds to a zstd frame what zstd-codec cannot write: the checksum, and the content size in the header.
 *
 * What zstd-codec writes starts with the magic, a frame header descriptor of 0 (no content size, no checksum) and
 * the window descriptor; the blocks after that stay as they are.
 *
 * @see RFC 8878, section 3.1.1.1
 */
import { Xxh64 } from "./xxh64.ts";

const PLAIN_HEADER_BYTES = 6;
const CHECKSUM_FLAG = 0x04;
const CONTENT_SIZE_8_BYTES = 0xc0;

export class FrameRewriter {
  readonly #contentBytes: number | undefined;
  readonly #hash = new Xxh64();
  #inputBytes = 0;
  /** The first bytes of the frame until the header is whole; undefined afterwards. */
  #header: Buffer | undefined = Buffer.alloc(0);

  constructor(contentBytes: number | undefined) {
    this.#contentBytes = contentBytes;
  }

  input(chunk: Uint8Array): void {
    this.#inputBytes += chunk.length;
    this.#hash.update(chunk);
  }

  /** What to write for these bytes of the codec's frame. */
  output(bytes: Uint8Array): Uint8Array {
    if (this.#header === undefined) return bytes;
    const start = Buffer.concat([this.#header, bytes]);
    this.#header = start;
    if (start.length < PLAIN_HEADER_BYTES) return Buffer.alloc(0);
    this.#header = undefined;
    return Buffer.concat([this.#rewritten(start.subarray(0, PLAIN_HEADER_BYTES)), start.subarray(PLAIN_HEADER_BYTES)]);
  }

  /** The bytes that end the frame. */
  end(): Uint8Array {
    if (this.#contentBytes !== undefined && this.#inputBytes !== this.#contentBytes) {
      throw new Error(`${this.#contentBytes} bytes were announced and ${this.#inputBytes} came`);
    }
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(this.#hash.digest32());
    return checksum;
  }

  #rewritten(plain: Buffer): Buffer {
    if (plain[4] !== 0) throw new Error("zstd-codec wrote a frame header of an unknown kind");
    const header = Buffer.from(plain);
    header[4] = CHECKSUM_FLAG;
    if (this.#contentBytes === undefined) return header;
    header[4] = CHECKSUM_FLAG | CONTENT_SIZE_8_BYTES;
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(this.#contentBytes));
    return Buffer.concat([header, size]);
  }
}
