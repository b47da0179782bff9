/** Where a request to the HTTP proxy wants to go. Pure; reads what a guest wrote. */
import { tryParseIpv4Address } from "../../base/ipv4.ts";
import type { Target } from "../egress/outside.ts";

export interface ForwardTarget {
  readonly target: Target;
  /** As the guest wrote it, in lower case, with the port. */
  readonly authority: string;
}

export interface ForwardRequest extends ForwardTarget {
  /** For the server: a path and a query. */
  readonly path: string;
  /** For its `Host` header: without the usual port. */
  readonly host: string;
}

const HTTP_PORT = 80;
const AUTHORITY = /^(?<host>[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)\.?(?::(?<port>\d{1,5}))?$/i;
const ABSOLUTE = /^http:\/\/(?<authority>[^/?#]+)(?<path>[/?][^#]*)?(?:#.*)?$/i;
const MAX_NAME_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;

/** Of `CONNECT host:port`; a text: why it is none. */
export function parseTunnelTarget(authority: string): ForwardTarget | string {
  const parsed = parseAuthority(authority);
  if (typeof parsed === "string") return parsed;
  return parsed.port === undefined ? "CONNECT needs a host and a port" : targetOf(parsed.host, parsed.port);
}

/** Of `GET http://host/path`; a text: why it is none. */
export function parseForwardRequest(url: string): ForwardRequest | string {
  if (url.startsWith("/")) return "this is a proxy; ask it for a whole URL, or ask the server on port 80";
  if (/^https:/i.test(url)) return "https:// goes through CONNECT";
  const match = ABSOLUTE.exec(url);
  if (match?.groups === undefined) return "only http:// URLs without credentials can be asked for";
  const parsed = parseAuthority(match.groups["authority"] ?? "");
  if (typeof parsed === "string") return parsed;
  const found = targetOf(parsed.host, parsed.port ?? HTTP_PORT);
  if (typeof found === "string") return found;
  const path = match.groups["path"] ?? "/";
  return {
    ...found,
    path: path.startsWith("?") ? `/${path}` : path,
    host: found.target.port === HTTP_PORT ? parsed.host : found.authority,
  };
}

function parseAuthority(text: string): { host: string; port: number | undefined } | string {
  if (text.startsWith("[")) return "there is no IPv6 in this network";
  const { host, port } = AUTHORITY.exec(text)?.groups ?? {};
  if (host === undefined) return "this is no host name with a port";
  return { host: host.toLowerCase(), port: port === undefined ? undefined : Number(port) };
}

function targetOf(host: string, port: number): ForwardTarget | string {
  if (port < 1 || port > 65_535) return "there is no such port";
  const authority = `${host}:${port}`;
  const address = tryParseIpv4Address(host);
  if (address !== undefined) return { target: { address, port }, authority };
  const labels = host.split(".");
  // Programs read 127.1 and 0x7f000001 as addresses, so a name server must not be asked for them.
  const isName = host.length <= MAX_NAME_LENGTH && !/^(?:\d+|0x[\da-f]*)$/.test(labels.at(-1) ?? "");
  if (!isName || labels.some((label) => label === "" || label.length > MAX_LABEL_LENGTH)) return "this is no host name";
  return { target: { name: host, port }, authority };
}
