/** How two images lie on each other. Pure. */
import type { Image } from "../../image/store/image.ts";
import type { Relation } from "./image-diff.ts";

type Placed = Pick<Image, "digest" | "ancestors">;

export function relate(a: Placed, b: Placed): Relation {
  if (a.digest === b.digest) return "same";
  if (b.ancestors.includes(a.digest)) return "b-on-a";
  if (a.ancestors.includes(b.digest)) return "a-on-b";
  return a.ancestors.some((digest) => b.ancestors.includes(digest)) ? "one-origin" : "none";
}
