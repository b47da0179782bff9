/** What is installed in an image after a machine has changed it. Pure. */
import type { InstalledPackage, MutableImage } from "../mutable-image.ts";

/** @param listed By the guest, which does not know of a kernel beside the disk; none: it has no list. */
export function packagesAfter(
  { packages, machine }: Pick<MutableImage, "packages" | "machine">,
  listed: readonly InstalledPackage[],
): readonly InstalledPackage[] {
  if (listed.length === 0) return packages;
  if (machine.boot === undefined) return listed;
  const names = new Set(listed.map(({ name }) => name));
  const kernels = packages.filter(({ name }) => name.startsWith("linux-image-") && !names.has(name));
  return [...listed, ...kernels].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
