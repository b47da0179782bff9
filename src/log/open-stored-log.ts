/** A log that was kept as a file, with the size it has when it is unpacked. */
import { open, stat } from "node:fs/promises";
import { StoredLog } from "./stored-log.ts";

/**
 * @param isPacked Whether it was packed by gzip.
 * @throws What the disk says: ENOENT where there is no such file.
 */
export async function openStoredLog(file: string, isPacked: boolean): Promise<StoredLog> {
  const { size } = await stat(file);
  if (!isPacked) return new StoredLog({ file, sizeBytes: size });
  return new StoredLog({ file, contentEncoding: "gzip", sizeBytes: await unpackedBytes(file, size) });
}

/** Modulo 4 GiB, more than a log gets. RFC 1952, ISIZE. */
async function unpackedBytes(file: string, packedBytes: number): Promise<number> {
  await using handle = await open(file);
  const trailer = Buffer.alloc(4);
  await handle.read(trailer, 0, 4, Math.max(0, packedBytes - 4));
  return trailer.readUInt32LE();
}
