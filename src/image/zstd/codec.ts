/** The port of zstd compression, and its errors. */
import type { FileHandle } from "node:fs/promises";
import { WorkerError } from "../../base/errors.ts";

export interface DecompressOptions {
  /** More output than this is refused; a declared content size above it at once. */
  maxOutputBytes: number;
  /** Whether a chunk is done with when the next one is asked for: its memory may be gone then. Default: it stays. */
  isTransient?: boolean;
  signal?: AbortSignal | undefined;
}

export interface CompressOptions {
  /** 1 to 19; an implementation may lower it to what it can do. */
  level: number;
  /** Worker threads, where the implementation has them. */
  threads?: number;
  /** Bytes the source will yield; recorded in the frame. Another number of bytes is an error. */
  contentBytes?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Both directions are lazy, keep back-pressure and hold a bounded amount of memory.
 *
 * Every implementation accepts the same input: exactly one frame of at most 8 MiB window, without dictionary,
 * and nothing after it; what it writes has a checksum.
 */
export interface ZstdCodec {
  readonly name: string;
  /** @throws {@link ZstdError}; whatever `source` threw; `signal.reason`. */
  decompress(source: AsyncIterable<Uint8Array>, options: DecompressOptions): AsyncGenerator<Buffer>;
  /**
   * @param source A chunk is done with when the next one is asked for: its memory may be used again then.
   * @throws whatever `source` threw; `signal.reason`.
   */
  compress(source: AsyncIterable<Uint8Array>, options: CompressOptions): AsyncGenerator<Buffer>;
  /** The same, to the end of an empty file, which stays open; it may still have to be synced. */
  compressInto(file: FileHandle, source: AsyncIterable<Uint8Array>, options: CompressOptions): Promise<void>;
}

export type ZstdErrorCode =
  | "zstd-not-zstd"
  | "zstd-unsupported"
  | "zstd-truncated"
  | "zstd-corrupt"
  | "zstd-trailing-data"
  | "zstd-output-too-large";

/** The compressed data cannot be accepted. */
export class ZstdError extends WorkerError {
  constructor(code: ZstdErrorCode, message: string, cause?: unknown) {
    super(message, { code, blame: "image", cause });
  }
}

export function outputTooLarge(maxOutputBytes: number): ZstdError {
  return new ZstdError(
    "zstd-output-too-large",
    `the archive unpacks to more than the ${maxOutputBytes} bytes that are allowed`,
  );
}

export function corrupt(what: string, cause?: unknown): ZstdError {
  return new ZstdError("zstd-corrupt", `the zstd data is corrupt: ${what}; fetch or pack the archive again`, cause);
}
