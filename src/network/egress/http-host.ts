/**
 * The host that the first bytes of a plain HTTP/1 connection ask for (RFC 9112). Pure; reads hostile bytes, and as the
 * most lenient server would: whatever any server might take for the host is one.
 */

const MAX_METHOD_LENGTH = 64;
/** A request line so far: a method, then a target, then the version; each may still be on its way. */
const REQUEST_LINE_SO_FAR = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+([ \t][\t\x20-\x7e\x80-\xff]*)?$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?=[ \t])/;
const ABSOLUTE_TARGET = /^[a-z][a-z0-9+.-]*:\/\/(?<authority>[^/?#]*)/i;

/**
 * Names in lower case, without ports; none if it is no such request or names no host; undefined: it takes more bytes
 * to tell.
 *
 * @param ended There will be no more.
 */
export function httpHosts(bytes: Buffer, ended = false): readonly string[] | undefined {
  const text = bytes.toString("latin1").replace(/^[\r\n]+/, "");
  const [first = "", ...lines] = text.split("\n");
  if (lines.length === 0) return isRequestSoFar(first.replace(/\r$/, "")) && !ended ? undefined : [];
  const target = targetOf(first);
  if (target === undefined) return [];
  const end = lines.findIndex((line) => line === "" || line === "\r");
  // The last line is not whole, so one that is empty has not come to its end.
  const complete = end !== -1 && end < lines.length - 1;
  if (!complete && !ended) return undefined;
  const headers = unfold(complete ? lines.slice(0, end) : lines);
  const authority = ABSOLUTE_TARGET.exec(target)?.groups?.["authority"];
  return [...(authority === undefined ? [] : [authority]), ...headers.flatMap(hostOf)].map(nameOf).filter(Boolean);
}

function isRequestSoFar(line: string): boolean {
  if (line === "") return true;
  const method = line.split(/[ \t]/, 1)[0] ?? "";
  return method.length <= MAX_METHOD_LENGTH && REQUEST_LINE_SO_FAR.test(line);
}

/** Undefined if it is no request line; a target with spaces in it is one to some servers. */
function targetOf(line: string): string | undefined {
  const method = METHOD.exec(line)?.[0];
  const version = line.toUpperCase().lastIndexOf("HTTP/");
  if (method === undefined || version <= method.length) return undefined;
  return line.slice(method.length, version).trim();
}

/** A line that begins with a space continues the one before it. */
function unfold(lines: readonly string[]): string[] {
  const out: string[] = [];
  for (const line of lines) {
    if (/^[ \t]/.test(line) && out.length > 0) out.push(`${out.pop()} ${line.trim()}`);
    else out.push(line.trim());
  }
  return out;
}

function hostOf(line: string): string[] {
  const [name = "", ...value] = line.split(":");
  return name.trim().toLowerCase() === "host" ? [value.join(":")] : [];
}

function nameOf(authority: string): string {
  const host = authority.slice(authority.lastIndexOf("@") + 1).trim();
  return host.replace(/:\d*$/, "").toLowerCase();
}
