/** Images and snapshots as JSON has them: on the command line, and over HTTP. Pure. */
import type { Image } from "./store/image.ts";
import type { SnapshotEntry } from "./store/snapshots.ts";

export function imageDocument({ digest, tags, parent, machine, provenance, sizes, created, lastUsed }: Image) {
  return {
    digest,
    tags,
    ...(parent === undefined ? {} : { parent }),
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
