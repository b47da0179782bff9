/** The caches of a configuration. */
import { join } from "node:path";
import { CacheStore } from "../cache/cache-store.ts";
import type { Config } from "../config/config.ts";

export function cachesDirectory({ stateDir }: Pick<Config, "stateDir">): string {
  return join(stateDir, "caches");
}

export async function openCaches(config: Config): Promise<CacheStore> {
  return await CacheStore.open({ directory: cachesDirectory(config) });
}
