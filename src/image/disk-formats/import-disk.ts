/** A disk from elsewhere, made the raw disk of an image. */
import type { ImageLimits } from "../archive/format.ts";
import { check, convert, type DiskFormat } from "../qemu-img.ts";
import { judgeDisk } from "./judge-disk.ts";

export interface ImportDiskOptions {
  limits: ImageLimits;
  signal?: AbortSignal | undefined;
}

/**
 * Writes the disk in `file`, which nobody has looked at yet, to `target`: raw, sparse where it is zero. If this fails,
 * nothing is at `target`.
 *
 * @param format What it is said to be; never guessed.
 * @throws {@link ImageError} `disk-…` for what is wrong with it.
 */
export async function importDisk(
  file: string,
  format: DiskFormat,
  target: string,
  { limits, signal }: ImportDiskOptions,
): Promise<{ virtualBytes: number }> {
  const virtualBytes = await judgeDisk(file, format, { maxVirtualBytes: limits.maxFileBytes });
  if (format === "qcow2") await check(file, { signal });
  const { reserveBytes } = limits;
  await convert(file, target, { from: format, to: "raw", maxBytes: virtualBytes, reserveBytes, signal });
  return { virtualBytes };
}
