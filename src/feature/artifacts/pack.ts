/** Compression of artifacts, on their way to the disk. */
import { createHash } from "node:crypto";
import { pipeline, type Readable, Transform } from "node:stream";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import compressible from "compressible";

export type Compression = "none" | "gzip" | "zstd" | "auto";
export type ContentEncoding = "gzip" | "zstd";

/** What is known of bytes. */
export interface Digest {
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export function chooseEncoding(compression: Compression, contentType: string): ContentEncoding | undefined {
  if (compression === "auto") return isLikeText(contentType) ? "gzip" : undefined;
  return compression === "none" ? undefined : compression;
}

/** What nothing is known of may be packed already. */
function isLikeText(contentType: string): boolean {
  return !contentType.startsWith("application/octet-stream") && compressible(contentType) === true;
}

/**
 * @returns the packed bytes, which fail with what `content` fails with; and, when they have ended, what went in.
 */
export function pack(content: Readable, encoding: ContentEncoding): { stream: Readable; digest: () => Digest } {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(undefined, chunk);
    },
  });
  const stream = encoding === "gzip" ? createGzip() : createZstdCompress(ZSTD_OPTIONS);
  // Who reads the last stream gets the error.
  pipeline(content, measure, stream, () => {});
  return { stream, digest: () => ({ sizeBytes, sha256: hash.copy().digest("hex") }) };
}

const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
