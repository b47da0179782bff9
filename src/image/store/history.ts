/** How an image came to be. Pure. */
import type { Image } from "./image.ts";
import type { ImageDigest } from "./reference.ts";

export interface HistoryEntry {
  /** The image of the chain that it was done for. */
  readonly image: ImageDigest;
  /** Name that this one was built under. */
  readonly name: string | undefined;
  /** RFC 3339. */
  readonly created: string | undefined;
  /** Program that did it. */
  readonly by: string | undefined;
  readonly what: string;
}

type Chained = Pick<Image, "digest" | "provenance">;

/**
 * What was done for an image and those it lies on, the newest first.
 *
 * @param chain The image, then its ancestors, its parent first.
 */
export function imageHistory(chain: readonly Chained[]): HistoryEntry[] {
  return chain.flatMap((image) => ownSteps(image).reverse());
}

/** The oldest first; one at least, so that no image of the chain is left out. */
function ownSteps({ digest, provenance }: Chained): HistoryEntry[] {
  const { name, created, builder, recipe, history = [] } = provenance ?? {};
  const about = { image: digest, name };
  if (history.length > 0) return history.map(({ created, by, what }) => ({ ...about, created, by, what }));
  if (provenance === undefined) return [{ ...about, created, by: builder, what: "unknown: it has no image.json" }];
  const what = recipe === undefined ? "built" : `built by the recipe ${recipe}`;
  return [{ ...about, created, by: builder, what }];
}
