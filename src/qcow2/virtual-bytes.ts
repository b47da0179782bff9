/** The size of the disk in a qcow2 file that a trusted program made. */
import { open } from "node:fs/promises";
import { QCOW2_MAGIC } from "./constants.ts";

const SIZE_FIELD = 24;

export async function readVirtualBytes(file: string): Promise<number> {
  await using handle = await open(file, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(32), 0, 32, 0);
  if (bytesRead < 32 || buffer.readUInt32BE(0) !== QCOW2_MAGIC) throw new Error(`${file} is no qcow2 file`);
  return Number(buffer.readBigUInt64BE(SIZE_FIELD));
}
