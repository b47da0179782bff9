/** What one proxy has done since the worker started. */
import type { CacheUse } from "./cache/answer-cache.ts";

export interface ProxyStats {
  readonly requests: number;
  /** Answered without a body of the upstream: fresh, revalidated, or stale. */
  readonly hits: number;
  /** Answered with the body of an answer that was fetched for another request. */
  readonly shared: number;
  /** No answer of the upstream, or a request that was not passed on. */
  readonly failures: number;
  /** Of bodies of answers. */
  readonly bytesToGuests: number;
  readonly bytesFromUpstream: number;
  /** What the cache has on disk; 0 without one. */
  readonly keptBytes: number;
}

export class ProxyCounters {
  requests = 0;
  hits = 0;
  shared = 0;
  failures = 0;
  bytesToGuests = 0;
  bytesFromUpstream = 0;

  countUse(use: CacheUse): void {
    if (use === "shared") this.shared += 1;
    else if (use !== "miss") this.hits += 1;
  }

  snapshot(keptBytes: number): ProxyStats {
    const { requests, hits, shared, failures, bytesToGuests, bytesFromUpstream } = this;
    return { requests, hits, shared, failures, bytesToGuests, bytesFromUpstream, keptBytes };
  }
}
