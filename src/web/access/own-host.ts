/** Tells requests of programs on this host from those that a page of a browser was made to send. */
import type { IncomingMessage } from "node:http";
import { ApiError } from "../api/api-error.ts";

/** Each address that a worker may listen on; "" is that of clients from before there was a name. */
const OWN_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|)$/;

/** @throws {ApiError} `wrong-host` */
export function requireOwnHost({ headers }: IncomingMessage): void {
  const name = (headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  if (!OWN_NAME.test(name)) throw new ApiError(403, "wrong-host", "this service is for programs on its own host");
}

/**
 * For websockets, which browsers open to any host for any page.
 *
 * @throws {ApiError} `wrong-host`, `wrong-origin`
 */
export function requireOwnPage(request: IncomingMessage): void {
  requireOwnHost(request);
  const { origin, host } = request.headers;
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return;
  throw new ApiError(403, "wrong-origin", "this service is not for pages of other hosts");
}
