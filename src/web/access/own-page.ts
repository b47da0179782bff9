/** Tells requests that our own pages and programs make from those that a page of somebody else made a browser send. */
import type { IncomingMessage } from "node:http";
import { ApiError } from "../api/api-error.ts";

/**
 * Browsers say where the page is from; programs say nothing.
 *
 * @throws {ApiError} `wrong-origin`
 */
export function requireSameOrigin({ headers }: Pick<IncomingMessage, "headers">): void {
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  const isOwnSite = site === undefined || site === "same-origin" || site === "none";
  const isOwnOrigin = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase());
  if (isOwnSite && isOwnOrigin) return;
  throw new ApiError(403, "wrong-origin", "this service is not for pages of other hosts");
}
