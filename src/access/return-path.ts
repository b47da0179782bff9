/** Where a browser goes after a login. Pure. */
import { AccessError } from "./access-error.ts";

const ORIGIN = "http://boxcar.invalid";
const MAX_LENGTH = 1_000;

/** As a browser reads it: `//host`, `/\host` and the like lead to others. @throws {AccessError} `bad-return` */
export function parseReturnPath(text = "/"): string {
  const isPath = text.startsWith("/") && text.length <= MAX_LENGTH && !/[\p{Cc}\\]/u.test(text);
  if (isPath && URL.canParse(text, ORIGIN) && !text.startsWith("//")) {
    const url = new URL(text, ORIGIN);
    // A path such as /.//host is //host afterwards.
    if (url.origin === ORIGIN && !url.pathname.startsWith("//")) return `${url.pathname}${url.search}${url.hash}`;
  }
  throw new AccessError("bad-return", "returnTo must be a path of this service, such as /tasks");
}
