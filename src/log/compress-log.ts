/** Packs a log that has ended, so that it can be kept. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";

export type LogEncoding = "zstd" | "gzip";

export interface CompressedLog {
  /** Absolute path. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Of the bytes of the file, lower-case hex. */
  readonly sha256: string;
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
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(undefined, chunk);
    },
  });
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
  return { file: target, sizeBytes, sha256: hash.digest("hex"), contentEncoding };
}

function compressor(encoding: LogEncoding): Transform {
  if (encoding === "gzip") return createGzip({ level: GZIP_LEVEL, chunkSize: BLOCK_BYTES });
  return createZstdCompress({
    chunkSize: BLOCK_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}
