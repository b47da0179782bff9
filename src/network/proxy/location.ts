/** Where a redirect of an upstream leads, as a guest sees it. Pure. */
import { matchesName } from "../../base/allow-rule.ts";

export type Redirect =
  /** Below the proxy's own URL: what the guest is told. */
  | { readonly kind: "own"; readonly location: string }
  /** Somewhere else on the web. */
  | { readonly kind: "elsewhere"; readonly url: URL }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * @param location As the upstream wrote it.
 * @param asked What was asked for.
 * @param base URL of the upstream, whose path ends in a slash.
 */
export function judgeRedirect(location: string, asked: URL, base: URL, name: string): Redirect {
  const url = URL.parse(location, asked.href);
  if (url === null || !/^https?:$/.test(url.protocol)) return refused("it is no http:// or https:// URL");
  if (url.username !== "" || url.password !== "") return refused("it has credentials in it");
  if (url.origin !== base.origin) return { kind: "elsewhere", url };
  if (!url.pathname.startsWith(base.pathname)) return refused("it leaves the path that this proxy is for");
  const rest = url.pathname.slice(base.pathname.length);
  return { kind: "own", location: `/${name}/${rest}${url.search}${url.hash}` };
}

/** @param patterns Host names; `*.example.org` is every name below it. */
export function isListedHost(hostname: string, patterns: readonly string[]): boolean {
  const host = hostname.toLowerCase();
  return patterns.some((pattern) => matchesName(pattern, host));
}

function refused(reason: string): Redirect {
  return { kind: "refused", reason };
}
