/** Rate limits, one for each of those who ask. *Owns* as many of them as it is allowed, and forgets the quietest. */
import ipaddr from "ipaddr.js";
import { TokenBucket } from "../base/token-bucket.ts";

export interface RateLimitOptions {
  perSecond: number;
  /** At once. */
  burst: number;
  /** Most that are remembered; default 10 000. Who is forgotten begins anew. */
  maxKeys?: number;
  nowMs?: () => number;
}

export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #maxKeys: number;
  /** The one that has not asked for longest first. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor({ maxKeys = 10_000, ...options }: RateLimitOptions) {
    this.#options = options;
    this.#maxKeys = maxKeys;
  }

  /** False: it is too much. */
  tryTake(key: string): boolean {
    return this.#bucketOf(key).tryTake();
  }

  /** How long it will be too much; 0: it is not. Costs nothing. */
  waitMs(key: string): number {
    return this.#buckets.get(key)?.waitMs() ?? 0;
  }

  #bucketOf(key: string): TokenBucket {
    const { perSecond, burst, nowMs } = this.#options;
    const bucket = this.#buckets.get(key) ?? new TokenBucket(perSecond, burst, nowMs);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const [quietest] = this.#buckets.keys();
    if (this.#buckets.size > this.#maxKeys && quietest !== undefined) this.#buckets.delete(quietest);
    return bucket;
  }
}

/** What counts as one asker: an address of IPv4; a /64 of IPv6, since everybody has a whole one. */
export function networkOf(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return `${parsed
    .toByteArray()
    .slice(0, 8)
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")}/64`;
}
