/** Images and snapshots as JSON has them: on the command line, and over HTTP. Pure. */
import { claimedKeys, type ImageSignature } from "../signing/image-signature.ts";
import type { Image } from "./store/image.ts";
import type { SnapshotEntry } from "./store/snapshots.ts";

export interface ImageFacts {
  /** What the store has; undefined: nobody has signed it. */
  signature: ImageSignature | undefined;
}

export function imageDocument(image: Image, { signature }: ImageFacts = { signature: undefined }) {
  const { digest, tags, parent, ancestors, machine, provenance, sizes, created, lastUsed } = image;
  return {
    digest,
    tags,
    ...(parent === undefined ? {} : { parent, ancestors }),
    archiveKept: sizes.keptArchiveBytes > 0,
    signatures: signature === undefined ? [] : claimedKeys(signature).map((key) => ({ key })),
    sizes,
    created: created.toISOString(),
    lastUsed: lastUsed.toISOString(),
    machine,
    ...(provenance === undefined ? {} : { provenance }),
  };
}

export function snapshotDocument(entry: SnapshotEntry) {
  switch (entry.kind) {
    case "snapshot": {
      const { key, title, created, lastUsed, diskBytes } = entry;
      return { key, title, created: created.toISOString(), lastUsed: lastUsed.toISOString(), diskBytes };
    }
    case "refusal": {
      const { key, title, why, until } = entry;
      return { key, title, boots: why, ...(until === undefined ? {} : { until: until.toISOString() }) };
    }
    case "damaged":
      return { key: entry.key, damaged: entry.why };
  }
}
