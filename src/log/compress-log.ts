/** Packs a log that has ended, so that it can be kept. */
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
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
const BLOCK_BYTES = 256 * 1_024;

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
  const output = createWriteStream(target, { flags: "wx", mode: 0o640 });
  let created = false;
  output.once("open", () => {
    created = true;
  });
  try {
    await pipeline(
      createReadStream(source, { highWaterMark: BLOCK_BYTES }),
      compressor(contentEncoding),
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

function compressor(encoding: LogEncoding): Transform {
  if (encoding === "gzip") return createGzip({ level: GZIP_LEVEL, chunkSize: BLOCK_BYTES });
  return createZstdCompress({
    chunkSize: BLOCK_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}
