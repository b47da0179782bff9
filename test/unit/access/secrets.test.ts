import { describe, expect, it } from "vitest";
import { derive, hashOf, isSame, randomSecret } from "../../../src/access/secrets.ts";
import { isRightCsrf } from "../../../src/access/sessions.ts";

describe("a secret", () => {
  it("has 256 bits, and is another one each time", () => {
    const secrets = Array.from({ length: 100 }, randomSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  });

  it("is kept as its SHA-256", () => {
    expect(hashOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("is compared whole, whatever its length", () => {
    expect(isSame("abc", "abc")).toBe(true);
    for (const other of ["", "ab", "abcd", "abd", "ABC", "abc\0"]) expect(isSame("abc", other)).toBe(false);
  });
});

describe("the value against forged requests", () => {
  it("is of one session and one purpose, and tells nothing of its cookie", () => {
    const [one, other] = [randomSecret(), randomSecret()];
    expect(derive(one, "csrf")).toBe(derive(one, "csrf"));
    expect(derive(one, "csrf")).not.toBe(derive(other, "csrf"));
    expect(derive(one, "csrf")).not.toBe(derive(one, "other"));
    expect(derive(one, "csrf")).not.toContain(one);
  });

  it("must be right, and there", () => {
    expect(isRightCsrf({ csrf: "abc" }, "abc")).toBe(true);
    for (const given of [undefined, "", "ab", "abcd"]) expect(isRightCsrf({ csrf: "abc" }, given)).toBe(false);
  });
});
