/** Headers of one connection, which a proxy takes off: RFC 9110, section 7.6.1. Pure. */

/** Name in lower case → value; several values where the header cannot be joined. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Names, in lower case, that a message's `Connection` header takes along. */
export function connectionTokens(connection: string | readonly string[] | undefined): ReadonlySet<string> {
  const text = typeof connection === "string" ? connection : (connection ?? []).join(",");
  return new Set(text.split(",").map((token) => token.trim().toLowerCase()));
}

/** Whether a header goes no further than the connection it came on. */
export function isHopByHop(name: string, tokens: ReadonlySet<string>): boolean {
  return HOP_BY_HOP.has(name) || tokens.has(name);
}

/** Only what is for who is at the other end. */
export function endToEnd(headers: Headers): Record<string, string | string[]> {
  const tokens = connectionTokens(headers["connection"]);
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !isHopByHop(name, tokens)) kept[name] = value;
  }
  return kept;
}
