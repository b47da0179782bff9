/** Where other workers reach this one. Pure. */
import { isIP } from "node:net";
import type { HttpSettings } from "../../config/worker-http.ts";

/** Listening there is listening on all addresses of the host, of which this says none. */
const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/**
 * Undefined: it does not listen, or nobody has said by which name it is reached.
 *
 * @param port The one it has got.
 */
export function workerUrl(
  { url, listen, tls }: Pick<HttpSettings, "url" | "listen" | "tls">,
  port: number | undefined,
) {
  if (url !== undefined) return url;
  if (listen === undefined || port === undefined || UNSPECIFIED.has(listen.host)) return undefined;
  const host = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host;
  return `${tls === undefined ? "http" : "https"}://${host}:${port}`;
}
