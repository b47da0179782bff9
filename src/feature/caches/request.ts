/** What a task says of its caches, parsed; what its schema cannot say of them. Pure. */
import type { Issue } from "../../base/errors.ts";
import { formatBytes } from "../../base/units.ts";
import type { CachesSettings } from "../../config/features/caches.ts";
import type { FeatureCaches } from "../../generated/feature-caches.ts";
import type { Outcome } from "../outcome.ts";

export interface CacheRequest {
  readonly name: string;
  /** Absolute, in the guest. */
  readonly path: string;
  readonly mode: "exclusive" | "shared";
  readonly sizeBytes: number;
  readonly save: "on-success" | "always";
  readonly preload: { readonly url: string; readonly sha256: string } | undefined;
}

const MIB = 1_048_576;
const DEFAULTS = { mode: "exclusive", sizeMiB: 2_048, save: "on-success", preload: undefined } as const;

export function cacheRequests(caches: FeatureCaches = []): CacheRequest[] {
  return caches.map((cache) => {
    const { sizeMiB, ...request } = { ...DEFAULTS, ...cache };
    return { ...request, sizeBytes: sizeMiB * MIB };
  });
}

/** @param caches As the schema has it. */
export function cacheIssues(caches: FeatureCaches, { maxBytes }: CachesSettings): Issue[] {
  return cacheRequests(caches).flatMap((cache, index) => {
    const issues: Issue[] = [];
    for (const key of ["name", "path"] as const) {
      const taken = caches.findIndex((other) => other[key] === cache[key]);
      if (taken < index)
        issues.push({ path: `caches[${index}].${key}`, message: `is that of caches[${taken}] already` });
    }
    if (cache.sizeBytes > maxBytes) {
      const message = `${formatBytes(cache.sizeBytes)} is more than a cache may have on this worker, ${formatBytes(maxBytes)}`;
      issues.push({ path: `caches[${index}].sizeMiB`, message });
    }
    return issues;
  });
}

/** Whether what a task has written is kept. */
export function isSaved({ mode, save }: CacheRequest, { state }: Pick<Outcome, "state">): boolean {
  return mode === "exclusive" && (state === "completed" || (save === "always" && state === "failed"));
}

/** So that two tasks which want the same caches never wait for each other. */
export function inLockingOrder<T extends { readonly name: string }>(caches: readonly T[]): T[] {
  return [...caches].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}
