/** The cookies of the API: none that a script can read, and none that another host has a say in. Pure. */
import { parseCookie, stringifySetCookie } from "cookie";

/** `login` lives from the way to an identity provider until the way back. */
export type CookieName = "session" | "login";

const NAMES: Readonly<Record<CookieName, string>> = { session: "boxcar", login: "boxcar-login" };

/** @param secure The browser is on HTTPS. Then the browser itself sees to it that this host alone has set the cookie. */
export function readCookie(header: string | undefined, name: CookieName, secure: boolean): string | undefined {
  return header === undefined ? undefined : parseCookie(header)[fullName(name, secure)];
}

/** Value of `Set-Cookie`. @param maxAgeMs 0: the browser forgets it. */
export function buildCookie(name: CookieName, value: string, secure: boolean, maxAgeMs: number): string {
  return stringifySetCookie({
    ...{ name: fullName(name, secure), value, secure },
    ...{ path: "/", httpOnly: true, sameSite: "lax", maxAge: Math.max(0, Math.floor(maxAgeMs / 1_000)) },
  });
}

function fullName(name: CookieName, secure: boolean): string {
  return secure ? `__Host-${NAMES[name]}` : NAMES[name];
}
