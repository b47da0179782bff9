/**
 * What a guest asks a proxy for, as a path of its upstream. Pure.
 *
 * The path goes on as the guest wrote it, since servers tell `%2f` from `/`; so it must not leave the base however often
 * and by whatever rules the upstream decodes it.
 */

export interface ProxyPath {
  readonly name: string;
  /** After the name and its slash, with the query. */
  readonly rest: string;
}

const TARGET = /^\/([a-z0-9-]{1,63})(?:\/([^?#]*)|)(\?[^#]*)?$/;
/** What a request line may have (RFC 3986), and characters that browsers too leave as they are. */
const ALLOWED = /^[\w.~!$&'()*+,;=:@/?%|[\]{}^"`<>-]*$/;
const BAD_ESCAPE = /%(?![0-9a-f]{2})/i;
const MAX_DECODINGS = 4;

/** Undefined: it is not the path of any proxy. */
export function splitProxyPath(target: string): ProxyPath | undefined {
  const match = TARGET.exec(target);
  if (match?.[1] === undefined) return undefined;
  return { name: match[1], rest: `${match[2] ?? ""}${match[3] ?? ""}` };
}

/**
 * The path and query at the upstream; undefined if it might lead out of `base`.
 *
 * @param base Path of the upstream's URL, which ends in a slash.
 */
export function upstreamPath(base: string, rest: string): string | undefined {
  const [path = ""] = rest.split("?", 1);
  if (!ALLOWED.test(rest) || BAD_ESCAPE.test(path) || leavesItsFolder(path)) return undefined;
  return base + rest;
}

function leavesItsFolder(path: string): boolean {
  let decoded = path;
  for (let round = 0; ; round++) {
    if (leadsUp(decoded)) return true;
    const next = decodeOnce(decoded);
    if (next === decoded) return false;
    if (round === MAX_DECODINGS) return true;
    decoded = next;
  }
}

/** Also with what some servers cut off: parameters after `;`, everything after a NUL, spaces at the end. */
function leadsUp(path: string): boolean {
  return path.split(/[/\\]/).some((segment) => /^\.\.[\s\0]*(?:;|\0|$)/.test(segment));
}

function decodeOnce(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
