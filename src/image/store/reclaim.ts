/** Removes what dead processes left in a store. What belongs to somebody alive, or to nobody we know, stays. */
import { rm } from "node:fs/promises";
import type { FileLocks } from "../../host/file-locks.ts";
import { isAbandoned } from "../../host/owned-name.ts";
import type { StoreLayout } from "./layout.ts";
import { liveLeases } from "./leases.ts";

/** Resolves with the number of unfinished imports and removals that were cleaned up. */
export async function reclaimStore(layout: StoreLayout, locks: FileLocks): Promise<number> {
  let removed = 0;
  for (const name of await layout.names("staging")) {
    if (!(await isAbandoned(name))) continue;
    await rm(layout.path("staging", name), { recursive: true, force: true });
    removed++;
  }
  await removeOrphans(layout, locks);
  for (const name of await layout.names("locks")) await locks.reclaim(name);
  for (const name of await layout.names("sources")) {
    const sha256 = await layout.tryRead(layout.path("sources", name));
    // What is known of a removed image is of no use to anybody.
    if (sha256 !== undefined && !(await layout.hasBlob(sha256)))
      await rm(layout.path("sources", name), { force: true });
  }
  return removed;
}

/** What lies beside an image goes with it; whoever removed the image may have been killed half-way. */
async function removeOrphans(layout: StoreLayout, locks: FileLocks): Promise<void> {
  for (const folder of ["archives", "signatures", "snapshots", "leases", "pins"] as const) {
    for (const name of await layout.names(folder)) {
      const sha256 = /^[0-9a-f]{64}(?=$|\.)/.exec(name)?.[0];
      if (sha256 === undefined) continue;
      const isOrphan = async () => {
        // Who is about to bring a parent has a lease on it already.
        if (folder === "leases" && (await liveLeases(layout, sha256)).length > 0) return false;
        return !(await layout.hasBlob(sha256));
      };
      if (!(await isOrphan())) continue;
      await using _lock = await locks.acquire(`image-${sha256}`);
      if (!(await isOrphan())) continue;
      await rm(layout.path(folder, name), { recursive: true, force: true });
    }
  }
}
