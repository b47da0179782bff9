/**
 * Follows the structure of a zstd frame without decoding it, in chunks of any size.
 *
 *   header → block → block … → last block → checksum (if the header says so) → end
 *
 * Decoders differ in what they let pass (an end that is missing, bytes that follow, further frames, large
 * windows); with this in front of them all refuse the same.
 *
 * @see RFC 8878, section 3.1.1
 */
import { corrupt, ZstdError } from "./codec.ts";

/** What decoders must support; RFC 8878, section 3.1.1.1.2, and all that zstd-codec has memory for. */
export const MAX_WINDOW_LOG = 23;
const MAX_WINDOW_BYTES = 2 ** MAX_WINDOW_LOG;

const MAGIC = 0xfd2fb528;
/** The last hexadecimal digit is anybody's. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const MAX_BLOCK_BYTES = 128 * 1_024;
const CHECKSUM_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const BYTES_OF_DICTIONARY_ID = [0, 1, 2, 4] as const;
const BYTES_OF_CONTENT_SIZE = [0, 2, 4, 8] as const;

type State = "magic" | "descriptor" | "header" | "block-header" | "block" | "checksum" | "end";

export class FrameWalker {
  #state: State = "magic";
  /** The field being collected, and its length. */
  readonly #field = Buffer.alloc(16);
  #collected = 0;
  #wanted = 4;
  /** Bytes of a block or a checksum still to pass over. */
  #skip = 0;
  #descriptor = 0;
  #isLast = false;
  #contentBytes: number | undefined;

  /** What the header declares; undefined before it was read or where it declares nothing. */
  get contentBytes(): number | undefined {
    return this.#contentBytes;
  }

  /** @throws {@link ZstdError} at the first byte that cannot be accepted. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#state === "end") throw trailing();
      if (this.#state === "block" || this.#state === "checksum") {
        const step = Math.min(this.#skip, chunk.length - offset);
        offset += step;
        this.#skip -= step;
        if (this.#skip === 0) this.#passed();
        continue;
      }
      const step = Math.min(this.#wanted - this.#collected, chunk.length - offset);
      this.#field.set(chunk.subarray(offset, offset + step), this.#collected);
      offset += step;
      this.#collected += step;
      if (this.#state === "magic") this.#checkMagic();
      if (this.#collected === this.#wanted) this.#decide();
    }
  }

  /** @throws {@link ZstdError} `zstd-truncated` if the frame has not ended. */
  end(): void {
    if (this.#state === "end") return;
    throw new ZstdError(
      "zstd-truncated",
      "the zstd data ends in the middle of its frame; the archive is truncated, fetch it again",
    );
  }

  #expect(state: State, bytes: number): void {
    this.#state = state;
    this.#collected = 0;
    this.#wanted = bytes;
  }

  /** As early as it can be told, so that a short text file is "not zstd" rather than "truncated". */
  #checkMagic(): void {
    if (this.#startsWith(SKIPPABLE_MAGIC, SKIPPABLE_MASK)) {
      if (this.#collected < 4) return;
      throw new ZstdError(
        "zstd-unsupported",
        "the zstd data begins with a frame to be skipped; pack it with plain zstd",
      );
    }
    if (!this.#startsWith(MAGIC, 0xffffffff)) {
      throw new ZstdError("zstd-not-zstd", "this is no zstd data; images are archives named .tar.zst");
    }
  }

  #startsWith(magic: number, mask: number): boolean {
    for (let i = 0; i < this.#collected; i++) {
      if ((((this.#field[i] as number) ^ (magic >>> (8 * i))) & (mask >>> (8 * i)) & 0xff) !== 0) return false;
    }
    return true;
  }

  #decide(): void {
    switch (this.#state) {
      case "magic":
        this.#expect("descriptor", 1);
        break;
      case "descriptor":
        this.#descriptor = this.#field[0] as number;
        this.#expect("header", this.#headerBytes());
        if (this.#wanted === 0) this.#readHeader();
        break;
      case "header":
        this.#readHeader();
        break;
      default:
        this.#readBlockHeader();
    }
  }

  get #isSingleSegment(): boolean {
    return (this.#descriptor & 0x20) !== 0;
  }

  get #contentSizeBytes(): number {
    const flag = this.#descriptor >>> 6;
    return flag === 0 && this.#isSingleSegment ? 1 : (BYTES_OF_CONTENT_SIZE[flag] as number);
  }

  get #dictionaryIdBytes(): number {
    return BYTES_OF_DICTIONARY_ID[this.#descriptor & 3] as number;
  }

  #headerBytes(): number {
    return (this.#isSingleSegment ? 0 : 1) + this.#dictionaryIdBytes + this.#contentSizeBytes;
  }

  #readHeader(): void {
    if ((this.#descriptor & 0x08) !== 0) throw corrupt("a reserved bit of its header is set");
    if (this.#dictionaryIdBytes > 0) throw new ZstdError("zstd-unsupported", "the zstd data needs a dictionary");
    const sizeOffset = this.#isSingleSegment ? 0 : 1;
    this.#contentBytes = this.#readContentSize(sizeOffset);
    const window = this.#isSingleSegment ? (this.#contentBytes ?? 0) : windowBytes(this.#field[0] as number);
    if (window > MAX_WINDOW_BYTES) {
      throw new ZstdError(
        "zstd-unsupported",
        `the zstd data needs a window of ${window} bytes and at most ${MAX_WINDOW_BYTES} are allowed; ` +
          "pack the archive at level 19 or below, without --long or --ultra",
      );
    }
    this.#expect("block-header", BLOCK_HEADER_BYTES);
  }

  #readContentSize(offset: number): number | undefined {
    switch (this.#contentSizeBytes) {
      case 1:
        return this.#field[offset];
      case 2:
        return this.#field.readUInt16LE(offset) + 256;
      case 4:
        return this.#field.readUInt32LE(offset);
      case 8:
        return Number(this.#field.readBigUInt64LE(offset));
      default:
        return undefined;
    }
  }

  #readBlockHeader(): void {
    const header = this.#field.readUIntLE(0, BLOCK_HEADER_BYTES);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === 3) throw corrupt("a block of reserved type");
    if (size > MAX_BLOCK_BYTES) throw corrupt("a block that is too large");
    this.#isLast = (header & 1) === 1;
    this.#state = "block";
    this.#skip = type === 1 ? 1 : size;
    if (this.#skip === 0) this.#passed();
  }

  /** A block or the checksum is behind us. */
  #passed(): void {
    if (this.#state === "checksum") this.#state = "end";
    else if (!this.#isLast) this.#expect("block-header", BLOCK_HEADER_BYTES);
    else if ((this.#descriptor & 0x04) === 0) this.#state = "end";
    else {
      this.#state = "checksum";
      this.#skip = CHECKSUM_BYTES;
    }
  }
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function trailing(): ZstdError {
  return new ZstdError(
    "zstd-trailing-data",
    "there is more data after the end of the zstd frame; an image is one frame and nothing else",
  );
}
