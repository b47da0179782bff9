/** What URLs may begin with, compared by their parts: `https://a.example` does not allow `https://a.example.net`. */

export interface UrlPrefix {
  readonly text: string;
  readonly protocol: "http:" | "https:";
  /** With its port, if that is not the usual one; undefined: any. */
  readonly host: string | undefined;
  /** Of a folder, or of the whole path. */
  readonly path: string;
}

/** Of what is none, undefined. `https://` alone is one for every host. */
export function tryParseUrlPrefix(text: string): UrlPrefix | undefined {
  const [, anyHost] = /^(https?:)\/\/$/i.exec(text) ?? [];
  if (anyHost !== undefined) return { text, protocol: protocolOf(anyHost), host: undefined, path: "/" };
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") return undefined;
  if (url.username !== "" || url.password !== "") return undefined;
  return { text, protocol: protocolOf(url.protocol), host: url.host, path: url.pathname };
}

function protocolOf(text: string): UrlPrefix["protocol"] {
  return text.toLowerCase() === "https:" ? "https:" : "http:";
}

/** One of the prefixes that allow `url`, one with a host if there is such a one. */
export function allowingPrefix(url: URL, prefixes: readonly UrlPrefix[]): UrlPrefix | undefined {
  const allowing = prefixes.filter((prefix) => isBelow(url, prefix));
  return allowing.find(({ host }) => host !== undefined) ?? allowing[0];
}

/** Servers that decode these before they look for a file see folders where a URL has none, and `..` among them. */
const HIDDEN_SEPARATOR = /%2f|%5c/i;

function isBelow({ protocol, host, pathname }: URL, prefix: UrlPrefix): boolean {
  if (protocol !== prefix.protocol || (prefix.host !== undefined && host !== prefix.host)) return false;
  if (prefix.path === "/") return true;
  if (HIDDEN_SEPARATOR.test(pathname)) return false;
  return pathname === prefix.path || pathname.startsWith(prefix.path.endsWith("/") ? prefix.path : `${prefix.path}/`);
}
