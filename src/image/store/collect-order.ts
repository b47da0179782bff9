import type { Image } from "./image.ts";

/**
 * The image that goes next: children go before what they lie on. Pure.
 *
 * @param left What is in the store, the least recently used first.
 * @param kept Of these, what is in use or was to stay for another reason.
 */
export function nextToCollect<T extends Pick<Image, "digest" | "parent" | "tags">>(
  left: ReadonlySet<T>,
  kept: ReadonlySet<T>,
): T | undefined {
  const parents = new Set([...left].map(({ parent }) => parent));
  return [...left].find((image) => image.tags.length === 0 && !kept.has(image) && !parents.has(image.digest));
}
