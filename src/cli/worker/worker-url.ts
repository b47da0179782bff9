/** Where people and other workers reach this one. Pure. */
import { isIP } from "node:net";
import type { HttpSettings } from "../../config/worker-http.ts";

/** Listening there is listening on all addresses of the host, of which this says none. */
const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

type Addresses = Pick<HttpSettings, "url" | "fleetUrl" | "listen" | "tls">;

/** Where other workers reach it. See {@link workerUrl}. */
export function fleetUrl(http: Addresses, port: number | undefined): string | undefined {
  return http.fleetUrl ?? workerUrl(http, port);
}

/**
 * Where people reach it. Undefined: it does not listen, or nobody has said by which name it is reached.
 *
 * @param port The one it has got.
 */
export function workerUrl(
  { url, listen, tls }: Omit<Addresses, "fleetUrl">,
  port: number | undefined,
): string | undefined {
  if (url !== undefined) return url;
  if (listen === undefined || port === undefined || UNSPECIFIED.has(listen.host)) return undefined;
  const host = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host;
  return `${tls === undefined ? "http" : "https"}://${host}:${port}`;
}
