import { describe, expect, it } from "vitest";
import { seal, sealingKey, tryUnseal } from "../../../src/access/login-attempt.ts";
import { type ClaimRules, claimAt, nameOfClaims, roleOfClaims } from "../../../src/access/oidc-claims.ts";
import { parseReturnPath } from "../../../src/access/return-path.ts";

const rules: ClaimRules = {
  ...{ nameClaim: undefined, rolesClaim: "groups", defaultRole: undefined },
  roles: { admin: ["root"], operator: ["ops", "oncall"], submitter: ["dev"], viewer: ["staff"] },
};
const issuer = new URL("https://id.example.com/realm");

describe("the role of a person", () => {
  it.each([
    [{ groups: ["dev"] }, "submitter"],
    [{ groups: ["staff", "oncall", "dev"] }, "operator"],
    [{ groups: "root" }, "admin"],
    [{ groups: ["others"] }, undefined],
    [{ groups: [] }, undefined],
    [{}, undefined],
    [{ groups: { root: true } }, undefined],
    [{ groups: [["root"], 1, null, { a: "root" }] }, undefined],
    [{ roles: ["root"] }, undefined],
  ])("with %j is %s", (claims, role) => {
    expect(roleOfClaims(claims, rules)).toBe(role);
  });

  it("is at least the one that everybody has", () => {
    const all = { ...rules, defaultRole: "submitter" } as const;
    expect(roleOfClaims({}, all)).toBe("submitter");
    expect(roleOfClaims({ groups: ["staff"] }, all)).toBe("submitter");
    expect(roleOfClaims({ groups: ["ops"] }, all)).toBe("operator");
  });

  it("may be deep in the claims, or in one whose name has dots", () => {
    const deep = { realm_access: { roles: ["root"] }, "https://example.com/roles": ["dev"] };
    expect(roleOfClaims(deep, { ...rules, rolesClaim: "realm_access.roles" })).toBe("admin");
    expect(roleOfClaims(deep, { ...rules, rolesClaim: "https://example.com/roles" })).toBe("submitter");
    for (const path of ["realm_access.length", "__proto__.x", "constructor.name"])
      expect(claimAt(deep, path)).toBeUndefined();
  });
});

describe("the name of a person", () => {
  const mail = { sub: "1234", email: "ann@example.com" };
  it.each([
    [{ ...mail, email_verified: true }, undefined, "ann@example.com"],
    [{ ...mail, email_verified: false }, undefined, "1234@id.example.com"],
    [{ ...mail, email_verified: "true" }, undefined, "1234@id.example.com"],
    [mail, undefined, "1234@id.example.com"],
    [{ sub: "1234", email: "ci", email_verified: true }, undefined, "1234@id.example.com"],
    [{ ...mail, preferred_username: "ann" }, "preferred_username", "ann@id.example.com"],
    [mail, "preferred_username", undefined],
    [{ ...mail, preferred_username: "a\nb" }, "preferred_username", undefined],
    [{ ...mail, preferred_username: "x".repeat(201) }, "preferred_username", undefined],
    [{ ...mail, preferred_username: { a: 1 } }, "preferred_username", undefined],
  ])("with %j and the claim %s is %s", (claims, nameClaim, name) => {
    expect(nameOfClaims(claims, { ...rules, nameClaim }, issuer)).toBe(name);
  });
});

describe("where a login leads", () => {
  it.each(["/", "/tasks/x?run=1#log", "/a/../b", "/%2f%2fevil.example", "/a//b"])("may be %s", (path) => {
    expect(new URL(parseReturnPath(path), "http://here.example").origin).toBe("http://here.example");
  });

  it.each([
    ...[
      "//evil.example",
      "/\\evil.example",
      "\\\\evil.example",
      "https://evil.example",
      "javascript:alert(1)",
      "",
      "tasks",
    ],
    ...["/.//evil.example", "/a/..//evil.example", "/\t/evil.example", "/\n/evil.example", `/${"x".repeat(1_000)}`],
  ])("cannot be %j", (path) => {
    expect(() => parseReturnPath(path)).toThrow("returnTo must be a path");
  });

  it("is the beginning, where nobody says it", () => {
    expect(parseReturnPath()).toBe("/");
  });
});

describe("a login that has begun", () => {
  const attempt = { state: "s", nonce: "n", codeVerifier: "v", returnTo: "/" };
  const now = new Date("2026-01-01T10:00:00Z");
  const later = (seconds: number) => new Date(now.getTime() + seconds * 1_000);

  it("is read by who knows the same secret, for ten minutes, and by nobody else", async () => {
    const sealed = await seal(attempt, sealingKey("secret"), now);
    expect(sealed).not.toContain(Buffer.from(JSON.stringify(attempt)).toString("base64url").slice(0, 10));
    expect(await tryUnseal(sealed, sealingKey("secret"), later(599))).toEqual(attempt);
    expect(await tryUnseal(sealed, sealingKey("secret"), later(601))).toBeUndefined();
    expect(await tryUnseal(sealed, sealingKey("another"), now)).toBeUndefined();
  });
});
