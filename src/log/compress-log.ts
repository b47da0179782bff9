/** Packs a log that has ended, so that it can be kept. */
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { type Digest, DigestStream } from "../base/digest-stream.ts";

export type LogEncoding = "zstd" | "gzip";

/** Its digest is that of the file. */
export interface CompressedLog extends Digest {
  /** Absolute path. */
  readonly file: string;
  readonly contentEncoding: LogEncoding;
}

/** Much of what there is to gain in a log, in a fraction of the time. */
const ZSTD_LEVEL = 3;
const GZIP_LEVEL = 5;
/** Enough for speed; most logs are smaller, and buffers are not given back at once. */
const MAX_BLOCK_BYTES = 256 * 1_024;
const MIN_BLOCK_BYTES = 16 * 1_024;

/**
 * Writes a file beside the other one; the caller *owns* both. Memory does not grow with their size.
 *
 * @param target Absolute; there must be no such file yet.
 * @throws What the disk says; `signal.reason`. Nothing is left behind.
 */
export async function compressLog(
  source: string,
  target: string,
  contentEncoding: LogEncoding,
  signal?: AbortSignal,
): Promise<CompressedLog> {
  const measure = new DigestStream();
  const { size } = await stat(source);
  const blockBytes = Math.min(MAX_BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, size));
  const output = createWriteStream(target, { flags: "wx", mode: 0o640 });
  let created = false;
  output.once("open", () => {
    created = true;
  });
  try {
    await pipeline(
      createReadStream(source, { highWaterMark: blockBytes }),
      compressor(contentEncoding, blockBytes),
      measure,
      output,
      signal === undefined ? {} : { signal },
    );
  } catch (error) {
    if (created) await rm(target, { force: true });
    signal?.throwIfAborted();
    throw error;
  }
  return { file: target, ...measure.digest(), contentEncoding };
}

function compressor(encoding: LogEncoding, chunkSize: number): Transform {
  if (encoding === "gzip") return createGzip({ level: GZIP_LEVEL, chunkSize });
  return createZstdCompress({
    chunkSize,
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}
