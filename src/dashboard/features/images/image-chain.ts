/** Which images lie on which. Pure. */
import type { ApiImage } from "../../../generated/api.ts";
import { imageFacts, shortDigest } from "./image-facts.ts";

export interface ChainLink {
  readonly digest: string;
  readonly title: string;
  /** Undefined: it is not known here. */
  readonly diskBytes: number | undefined;
}

export interface ImageChain {
  /** As far as they are known: the image, its parent, and so on. */
  readonly images: readonly ApiImage[];
  /** Its parent, the parent of that, and so on. */
  readonly below: readonly ChainLink[];
  /** Its children. */
  readonly above: readonly ChainLink[];
  /** What it shares with those that lie on the same ones. */
  readonly sharedBytes: number;
}

/** As deep as a store lets chains be. */
const MAX_DEPTH = 16;

export function chainOf(image: ApiImage, images: readonly ApiImage[]): ImageChain {
  const byDigest = new Map(images.map((one) => [one.digest, one]));
  const below: ChainLink[] = [];
  const known = [image];
  for (let digest = parentOf(image); digest !== undefined && below.length < MAX_DEPTH; ) {
    const parent = byDigest.get(digest);
    below.push(linkTo(digest, parent));
    if (parent !== undefined) known.push(parent);
    digest = parent && parentOf(parent);
  }
  const above = images.filter((one) => parentOf(one) === image.digest).map((one) => linkTo(one.digest, one));
  return { images: known, below, above, sharedBytes: below.reduce((sum, { diskBytes = 0 }) => sum + diskBytes, 0) };
}

export function parentOf(image: ApiImage): string | undefined {
  return typeof image["parent"] === "string" ? image["parent"] : undefined;
}

function linkTo(digest: string, image: ApiImage | undefined): ChainLink {
  if (image === undefined) return { digest, title: shortDigest(digest), diskBytes: undefined };
  const { title, diskBytes } = imageFacts(image);
  return { digest, title, diskBytes };
}
