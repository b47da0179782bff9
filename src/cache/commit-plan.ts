/**
 * How what a machine has written becomes the next state of its cache. Pure.
 *
 * To put it on top costs nothing, but each layer makes reading slower, and holds what later ones replace. So now and
 * then the layers are written anew: those above the lowest into one, or all of them, once the upper ones hold much in
 * comparison.
 */

export interface CommitFacts {
  /** What the guest sees. */
  sizeBytes: number;
  /** What the layers take on the disk, from the bottom up. */
  layerBytes: readonly number[];
  /** What the machine has written. */
  overlayBytes: number;
}

/** `append`: the overlay is one more layer; `merge`: it takes in all but the lowest; `flatten`: all become one. */
export type CommitPlan = "append" | "merge" | "flatten";

const MAX_LAYERS = 8;

export function planCommit({ sizeBytes, layerBytes, overlayBytes }: CommitFacts): CommitPlan {
  const [base = 0, ...upper] = layerBytes;
  const above = upper.reduce((sum, bytes) => sum + bytes, overlayBytes);
  if (base + above > 1.5 * sizeBytes) return "flatten";
  if (layerBytes.length < MAX_LAYERS) return "append";
  return above > base / 2 ? "flatten" : "merge";
}
