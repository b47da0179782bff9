/** How long an archive may be. Pure. */

/** A disk and a layer that are as large as a file may be, the boot files, and what packing adds where nothing is saved. */
export function maxArchiveBytes(maxFileBytes: number): number {
  return Math.ceil(maxFileBytes * 2.1) + 1_024 * 1_024 * 1_024;
}
