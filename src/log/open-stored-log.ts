/** A log that was kept as a file, with the size it has when it is unpacked. */
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import type { LogEncoding } from "./compress-log.ts";
import { StoredLog } from "./stored-log.ts";

/** @throws What the disk says: ENOENT where there is no such file. */
export async function openStoredLog(file: string, contentEncoding?: LogEncoding): Promise<StoredLog> {
  const { size } = await stat(file);
  if (contentEncoding === undefined) return new StoredLog({ file, sizeBytes: size });
  const sizeBytes = contentEncoding === "gzip" ? await bytesInGzip(file, size) : await bytesInZstd(file);
  return new StoredLog({ file, contentEncoding, sizeBytes });
}

/** Modulo 4 GiB, more than a log gets. RFC 1952, ISIZE. */
async function bytesInGzip(file: string, packedBytes: number): Promise<number> {
  await using handle = await open(file);
  const trailer = Buffer.alloc(4);
  await handle.read(trailer, 0, 4, Math.max(0, packedBytes - 4));
  return trailer.readUInt32LE();
}

/** What is written as it comes does not say how much it will be: it has to be read. */
async function bytesInZstd(file: string): Promise<number> {
  let bytes = 0;
  await pipeline(createReadStream(file), createZstdDecompress(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) bytes += chunk.length;
  });
  return bytes;
}
