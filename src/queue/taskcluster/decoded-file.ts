/**
 * The bytes of a file without its content encoding.
 *
 * The object service knows no encodings: what it keeps, and hashes, is what readers get.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { FileArtifact } from "../driver.ts";

export interface DecodedFile {
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly open: () => Readable;
}

/** Reads a packed file once, to know what is in it. */
export async function decodeFile(artifact: FileArtifact, signal: AbortSignal): Promise<DecodedFile> {
  const { file, sizeBytes, sha256, contentEncoding } = artifact;
  if (contentEncoding === undefined) return { sizeBytes, sha256, open: () => createReadStream(file) };
  // Without a callback of its own an error of the file would be nobody's; the decoder hands it on.
  const open = () =>
    pipeline(createReadStream(file), contentEncoding === "gzip" ? createGunzip() : createZstdDecompress(), () => {});
  const hash = createHash("sha256");
  let decodedBytes = 0;
  const stream = open();
  try {
    for await (const chunk of stream) {
      signal.throwIfAborted();
      hash.update(chunk as Buffer);
      decodedBytes += (chunk as Buffer).length;
    }
  } finally {
    stream.destroy();
  }
  return { sizeBytes: decodedBytes, sha256: hash.digest("hex"), open };
}
