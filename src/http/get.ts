/** One request over HTTP, without following anything, and for servers of the internet only where that is asked for. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isElsewhere, lookupPublic, privateAddressError } from "./public-address.ts";

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

export interface GetOptions {
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** Whether to refuse what is reached by addresses that are not for everybody. */
  publicOnly: boolean;
}

/** @throws {DownloadError} `address-refused`; whatever else goes wrong with the connection. */
export async function get(url: URL, { headers, signal, publicOnly }: GetOptions): Promise<HttpResponse> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // A name is looked up when the connection is made, so that what is checked is what is connected to.
  if (publicOnly && isIP(host) !== 0 && !isElsewhere(host)) throw privateAddressError(host);
  // An import would read every property of the module, and one of them loads a whole HTTP client.
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  const response = Promise.withResolvers<IncomingMessage>();
  const asked = request(url, { headers, signal, agent: false, ...(publicOnly ? { lookup: lookupPublic } : {}) });
  asked.on("response", response.resolve);
  asked.on("error", response.reject);
  asked.end();
  const body = await response.promise;
  // Whoever reads it gets its error.
  body.on("error", () => {});
  return { status: body.statusCode ?? 0, headers: body.headers, body };
}
