/** The disk that a build has made, as the disk of an image. */
import { join } from "node:path";
import { convert, makeLayer, type WriteOptions } from "./qemu-img.ts";
import { type DiskFile, parentTop, topDisk } from "./store/chain.ts";
import type { Image } from "./store/image.ts";

/**
 * Writes `layer.qcow2` into `directory`: what `disk` has other than the disk of `parent`, which image.json has to name.
 *
 * @param disk May lie on the parent, such as an overlay of a lease, or on nothing; nobody writes to it.
 * @param parent Leased by the caller.
 */
export async function writeDifference(
  disk: DiskFile,
  parent: Image,
  directory: string,
  options: WriteOptions,
): Promise<void> {
  const target = join(directory, "layer.qcow2");
  await makeLayer(disk, target, { ...options, base: topDisk(parent), backing: parentTop(parent.files).top });
}

/** Writes `disk.img` into `directory`: all that `disk` and what it lies on hold, sparse. */
export async function writeFlat(disk: DiskFile, directory: string, options: WriteOptions): Promise<void> {
  await convert(disk.file, join(directory, "disk.img"), { ...options, from: disk.format, to: "raw", chain: true });
}
