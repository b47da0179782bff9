/** Removes what dead processes left in a store. What belongs to somebody alive, or to nobody we know, stays. */
import { rm } from "node:fs/promises";
import type { FileLocks } from "../../host/file-locks.ts";
import { isAbandoned } from "../../host/owned-name.ts";
import type { StoreLayout } from "./layout.ts";

/** Resolves with the number of unfinished imports and removals that were cleaned up. */
export async function reclaimStore(layout: StoreLayout, locks: FileLocks): Promise<number> {
  let removed = 0;
  for (const name of await layout.names("staging")) {
    if (!(await isAbandoned(name))) continue;
    await rm(layout.path("staging", name), { recursive: true, force: true });
    removed++;
  }
  for (const sha256 of await layout.names("leases")) await liveLeases(layout, sha256);
  for (const sha256 of await layout.names("snapshots")) {
    // Its image was removed, but whoever did that was killed half-way.
    if (!(await layout.hasBlob(sha256))) await rm(layout.path("snapshots", sha256), { recursive: true, force: true });
  }
  for (const name of await layout.names("locks")) await locks.reclaim(name);
  for (const name of await layout.names("sources")) {
    const sha256 = await layout.tryRead(layout.path("sources", name));
    // What is known of a removed image is of no use to anybody.
    if (sha256 !== undefined && !(await layout.hasBlob(sha256)))
      await rm(layout.path("sources", name), { force: true });
  }
  return removed;
}

/** Names of the leases on an image whose owners live; the others are removed on the way. */
export async function liveLeases(layout: StoreLayout, sha256: string): Promise<string[]> {
  const live: string[] = [];
  for (const name of await layout.names("leases", sha256)) {
    if (await isAbandoned(name)) await rm(layout.path("leases", sha256, name), { force: true });
    else live.push(name);
  }
  return live;
}
