/** How large an image is, in one line. Pure. */
import { formatBytes } from "../../base/units.ts";
import type { Image } from "../../image/store/image.ts";

type Sized = Pick<Image, "sizes">;

/** @param ancestors What it lies on. */
export function describeSizes(
  { sizes }: Sized,
  ancestors: readonly (Sized & Pick<Image, "tags" | "digest">)[] = [],
): string {
  const { archiveBytes, diskBytes, virtualBytes } = sizes;
  const [parent] = ancestors;
  const sharedBytes = ancestors.reduce((sum, each) => sum + each.sizes.diskBytes, 0);
  const shared =
    parent === undefined
      ? []
      : [`${formatBytes(sharedBytes)} more shared with ${parent.tags[0] ?? parent.digest.slice(0, 19)}`];
  const facts = [
    `archive ${formatBytes(archiveBytes)}`,
    `on disk ${formatBytes(diskBytes)}`,
    ...shared,
    `a disk of ${formatBytes(virtualBytes)}`,
    ...(archiveBytes === 0 ? [] : [`packed ${(diskBytes / archiveBytes).toFixed(1)} : 1`]),
  ];
  return facts.join(", ");
}
