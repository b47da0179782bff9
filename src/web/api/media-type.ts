import type { IncomingMessage } from "node:http";

/** What a request says its body is, without parameters, in lower case. */
export function mediaTypeOf({ headers }: IncomingMessage): string | undefined {
  return headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
}
