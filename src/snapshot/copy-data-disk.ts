/** A data disk of a machine that stands still, whole in one file: a cache lies on layers that may go at any time. */
import { open } from "node:fs/promises";
import { copySparse } from "../host/copy-sparse.ts";
import { runQemuImg } from "../host/qemu-img.ts";
import type { DataDisk } from "../vm/data-disks.ts";

/** Big-endian, in the header of a qcow2 file: where the name of what it lies on begins; 0 if it lies on nothing. */
const BACKING_OFFSET = 8;

/** @param target Absolute path at which nothing is. */
export async function copyDataDisk(
  { diskFile, format }: Pick<DataDisk, "diskFile" | "format">,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  if (format === "raw" || !(await liesOnAnother(diskFile))) {
    await copySparse(diskFile, target, signal);
    return;
  }
  await (await open(target, "wx", 0o600)).close();
  // QEMU has the file open still; nobody writes to it.
  await runQemuImg(["convert", "--force-share", "-q", "-f", "qcow2", "-O", "qcow2", diskFile, target], { signal });
}

async function liesOnAnother(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, BACKING_OFFSET);
    return buffer.readBigUInt64BE() !== 0n;
  } finally {
    await handle.close();
  }
}
