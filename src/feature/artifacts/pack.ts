/** Compression of artifacts, on their way to the disk. */
import { pipeline, type Readable } from "node:stream";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import compressible from "compressible";
import { type Digest, DigestStream } from "../../base/digest-stream.ts";

export type Compression = "none" | "gzip" | "zstd" | "auto";
export type ContentEncoding = "gzip" | "zstd";

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
  const measure = new DigestStream();
  const stream = encoding === "gzip" ? createGzip() : createZstdCompress(ZSTD_OPTIONS);
  // Who reads the last stream gets the error.
  pipeline(content, measure, stream, () => {});
  return { stream, digest: () => measure.digest() };
}

const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
