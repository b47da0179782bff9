/** What RFC 9111 says about keeping an answer and about using one that was kept; a library knows it. Pure but for the clock. */
import CachePolicy from "http-cache-semantics";
import { joined } from "../request-headers.ts";

type Values = Readonly<Record<string, string | string[] | undefined>>;

/** JSON, to be kept with the answer. */
export type KeptPolicy = CachePolicy.CachePolicyObject;

interface Answer {
  readonly status: number;
  readonly headers: Values;
}

/** Answers that say they never change need not be asked for again within a week. */
const IMMUTABLE_MS = 7 * 24 * 3_600_000;
const NOT_WHILE_STALE = ["must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"];

export function isKeptPolicy(value: unknown): value is KeptPolicy {
  try {
    keptHeaders(value as KeptPolicy);
    return true;
  } catch {
    return false;
  }
}

/** Under which conditions an answer may be used again; undefined: it may not be kept for others. */
export function policyOf(url: URL, headers: Values, answer: Answer): KeptPolicy | undefined {
  if (answer.status !== 200 || answer.headers["set-cookie"] !== undefined) return undefined;
  if (answer.headers["vary"]?.includes("*")) return undefined;
  const policy = new CachePolicy(requestOf(url, headers), answerOf(answer), { immutableMinTimeToLive: IMMUTABLE_MS });
  if (!policy.storable()) return undefined;
  return policy.timeToLive() > 0 || hasValidator(answer.headers) ? policy.toObject() : undefined;
}

/** @param headers As they were sent for it, with `cache-control` and `pragma` of who asks now. */
export function isFresh(kept: KeptPolicy, url: URL, headers: Values): boolean {
  return CachePolicy.fromObject(kept).satisfiesWithoutRevalidation(requestOf(url, headers));
}

/** Headers with which the upstream says 304 where nothing has changed. */
export function validators(kept: KeptPolicy): Record<string, string> {
  const { etag, "last-modified": lastModified } = joined(kept.resh);
  return {
    ...(etag === undefined ? {} : { "if-none-match": etag }),
    ...(lastModified === undefined ? {} : { "if-modified-since": lastModified }),
  };
}

/** After a 304; undefined: that was not about the answer that was kept. */
export function renewed(kept: KeptPolicy, url: URL, headers: Values, answer: Answer): KeptPolicy | undefined {
  if (answer.headers["set-cookie"] !== undefined) return undefined;
  const request = requestOf(url, { ...headers, ...validators(kept) });
  const { policy, modified } = CachePolicy.fromObject(kept).revalidatedPolicy(request, answerOf(answer));
  return modified || !policy.storable() ? undefined : policy.toObject();
}

/** Whether an answer that is not fresh is better than none: RFC 9111, section 4.2.4. */
export function mayServeStale(kept: KeptPolicy, isDisconnected: boolean): boolean {
  const directives = kept.rescc;
  if (NOT_WHILE_STALE.some((name) => directives[name] !== undefined)) return false;
  const graceSeconds = Number(directives["stale-if-error"] ?? 0);
  const policy = CachePolicy.fromObject(kept);
  return isDisconnected || policy.age() - policy.maxAge() < graceSeconds;
}

/** For whoever is given the answer now. */
export function keptHeaders(kept: KeptPolicy): Record<string, string> {
  return joined(CachePolicy.fromObject(kept).responseHeaders());
}

function hasValidator(headers: Values): boolean {
  return headers["etag"] !== undefined || headers["last-modified"] !== undefined;
}

function requestOf(url: URL, headers: Values): CachePolicy.HttpRequest {
  return { url: url.href, method: "GET", headers: lowerDirectives(joined(headers)) };
}

function answerOf({ status, headers }: Answer): CachePolicy.HttpResponse {
  return { status, headers: lowerDirectives(joined(headers)) };
}

/** Names of directives may be written in capitals, which the library does not expect. */
function lowerDirectives(headers: Record<string, string>): Record<string, string> {
  const directives = headers["cache-control"];
  return directives === undefined ? headers : { ...headers, "cache-control": directives.toLowerCase() };
}
