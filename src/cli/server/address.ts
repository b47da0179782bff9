/** Where a worker listens. Pure. */

export type ServerAddress = { readonly socketPath: string } | { readonly url: URL; readonly token: string | undefined };

/** Headers that say who asks; the name in `Host` is that of the server. */
export function headersFor(server: ServerAddress): Record<string, string> {
  if ("socketPath" in server) return { host: "localhost" };
  return server.token === undefined ? {} : { authorization: `Bearer ${server.token}` };
}

/** Also where the server lies below a path of another. */
export function addressOf(base: URL, path: string): URL {
  return new URL(`${base.pathname.replace(/\/+$/, "")}${path}`, base);
}
