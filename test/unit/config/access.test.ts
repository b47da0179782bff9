import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 16_384, cpus: 4 } };
const worker = { http: { url: "https://ci.example.com" } };
const oidc = { issuer: "https://id.example.com", clientId: "boxcar", clientSecret: "s3cret", defaultRole: "viewer" };

const access = (section: object) =>
  resolveConfig({ access: { enabled: true, ...section }, worker }, surroundings).access;

describe("the section of access", () => {
  it("has a provider whose secret nothing prints", () => {
    const settings = access({ oidc });
    expect(settings.oidc?.clientSecret.reveal()).toBe("s3cret");
    expect(settings.oidc).toMatchObject({ label: "Single sign-on", rolesClaim: "roles", defaultRole: "viewer" });
    expect(inspect(settings, { depth: null }) + JSON.stringify(settings)).not.toContain("s3cret");
  });

  it.each(["http://localhost:9000", "http://127.0.0.1:9000/realm", "http://[::1]:9000"])(
    "takes %s for a provider, which is on this host",
    (issuer) => {
      expect(access({ oidc: { ...oidc, issuer } }).oidc?.issuer).toBe(issuer);
    },
  );

  it.each([
    ["access.oidc.issuer: must begin with https", { issuer: "http://id.example.com" }],
    ["access.oidc.issuer: must begin with https", { issuer: "http://localhost.example.com" }],
    ["access.oidc.issuer", { issuer: "https://id.example.com?x=y" }],
    ["access.oidc.scopes", { scopes: ["profile"] }],
    ["access.oidc.scopes", { scopes: ["openid", "two words"] }],
    ["access.oidc.roles.root", { roles: { root: ["x"] } }],
    ["access.oidc.defaultRole", { defaultRole: "root" }],
  ])("says %s of a provider that is %j", (message, change) => {
    expect(() => access({ oidc: { ...oidc, ...change } })).toThrow(message);
  });

  it("refuses a provider that would let nobody in, or has nowhere to send people back to", () => {
    const { defaultRole: _role, ...open } = oidc;
    expect(() => access({ oidc: open })).toThrow("access.oidc: gives nobody a role");
    expect(access({ oidc: { ...open, roles: { admin: ["ops"] } } }).oidc?.roles).toEqual({
      ...{ admin: ["ops"], operator: [], submitter: [], viewer: [] },
    });
    expect(() => resolveConfig({ access: { enabled: true, oidc } }, surroundings)).toThrow("needs worker.http.url");
  });

  it("lets sessions be longer than a timer can wait, but not for ever", () => {
    expect(access({ sessions: { duration: "90 days" } }).sessions.durationMs).toBe(90 * 86_400_000);
    expect(() => access({ sessions: { duration: "400 days" } })).toThrow("access.sessions.duration: ");
    expect(() => access({ sessions: { duration: "soon" } })).toThrow("access.sessions.duration: ");
  });
});
