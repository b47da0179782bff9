/** Caches as people and scripts read them. Pure. */
import { formatBytes } from "../../base/units.ts";
import type { CacheInfo } from "../../cache/cache-store.ts";
import { minute, table } from "../table.ts";

/** For `--json`. */
export function plainCache({ name, sizeBytes, diskBytes, created, lastUsed, users }: CacheInfo) {
  return { name, sizeBytes, diskBytes, created: created.toISOString(), lastUsed: lastUsed.toISOString(), users };
}

export function cacheTable(caches: readonly CacheInfo[]): string {
  if (caches.length === 0) return "There are no caches; a task that names one makes it.";
  const rows = caches.map(({ name, sizeBytes, diskBytes, lastUsed, users }) => [
    name,
    formatBytes(sizeBytes),
    formatBytes(diskBytes),
    minute(lastUsed),
    users === 0 ? "-" : users === 1 ? "1 machine" : `${users} machines`,
  ]);
  return table([["NAME", "SIZE", "ON DISK", "LAST USED", "IN USE BY"], ...rows]);
}
