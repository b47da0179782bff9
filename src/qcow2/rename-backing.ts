/** Says in the header of a qcow2 file what it lies on by another name; nothing else of it changes. */
import { open } from "node:fs/promises";
import { QCOW2_MAGIC } from "./constants.ts";

const OFFSET_FIELD = 8;
const LENGTH_FIELD = 16;

/**
 * @param file Absolute path of a file that nobody has open, made by a program that is trusted.
 * @param name At most as long as the one that is there.
 */
export async function renameBacking(file: string, name: string): Promise<void> {
  await using handle = await open(file, "r+");
  const { buffer: header, bytesRead } = await handle.read(Buffer.alloc(72), 0, 72, 0);
  if (bytesRead < 72 || header.readUInt32BE(0) !== QCOW2_MAGIC) throw new Error(`${file} is no qcow2 file`);
  const [offset, length] = [Number(header.readBigUInt64BE(OFFSET_FIELD)), header.readUInt32BE(LENGTH_FIELD)];
  const bytes = Buffer.from(name);
  if (bytes.length > length) throw new RangeError(`the name ${name} has no room in the header of ${file}`);
  await handle.write(bytes, 0, bytes.length, offset);
  const field = Buffer.alloc(4);
  field.writeUInt32BE(bytes.length);
  await handle.write(field, 0, field.length, LENGTH_FIELD);
}
