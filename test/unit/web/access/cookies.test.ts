import { expect, it } from "vitest";
import { buildCookie, readCookie } from "../../../../src/web/access/cookies.ts";

it("cookies cannot be read by scripts, nor sent by other sites, nor set by other hosts where there is HTTPS", () => {
  expect(buildCookie("session", "abc", true, 90_500)).toBe(
    "__Host-boxcar=abc; Max-Age=90; Path=/; HttpOnly; Secure; SameSite=Lax",
  );
  expect(buildCookie("session", "abc", false, 90_500)).toBe("boxcar=abc; Max-Age=90; Path=/; HttpOnly; SameSite=Lax");
  expect(buildCookie("login", "", false, -1)).toBe("boxcar-login=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
});

it("a cookie is read by the name it has where the request comes from", () => {
  const header = "a=b; boxcar=plain; __Host-boxcar=secure; boxcar-login=other";
  expect(readCookie(header, "session", true)).toBe("secure");
  expect(readCookie(header, "session", false)).toBe("plain");
  expect(readCookie(header, "login", true)).toBeUndefined();
  expect(readCookie(undefined, "session", true)).toBeUndefined();
  for (const odd of ["", ";;;", "boxcar", "=boxcar", "__proto__=x"])
    expect(readCookie(odd, "session", false)).toBeUndefined();
});
