/** Section `features.caches` of the configuration. */
import type { Issue } from "../../base/errors.ts";
import type { FeatureCachesConfig } from "../../generated/feature-caches.ts";
import { durationIssues } from "../../schema/duration.ts";
import { durationMs, MIB } from "../quantities.ts";

export interface CachesSettings {
  /** Of one cache. */
  readonly maxBytes: number;
  readonly waitMs: number;
}

/** The section, with the schema's defaults in it. */
export type FilledCaches = Required<FeatureCachesConfig>;

export function completeCaches({ maxMiB, wait }: FilledCaches): CachesSettings {
  return { maxBytes: maxMiB * MIB, waitMs: durationMs(wait) };
}

export function cachesIssues({ wait }: FilledCaches): Issue[] {
  return durationIssues("features.caches.wait", wait);
}
