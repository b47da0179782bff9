import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../../src/config/secret.ts";
import { AccessService, freePort } from "./access-service.ts";
import { Browser } from "./browser.ts";
import { CLIENT, OidcServer } from "./oidc-server.ts";

const BEGIN = "/api/v1/session/oidc";
const CALLBACK = `${BEGIN}/callback`;

const SETTINGS = {
  ...{ clientId: CLIENT.clientId, clientSecret: Secret.of(CLIENT.clientSecret), label: "Example login" },
  ...{ scopes: ["openid", "profile", "email"], nameClaim: undefined, rolesClaim: "groups", defaultRole: undefined },
  roles: { admin: ["ci-admins"], operator: ["ci"], submitter: [], viewer: ["staff"] },
};

let provider: OidcServer;
let service: AccessService;
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  provider = await OidcServer.start({ redirectUri: `${origin}${CALLBACK}` });
  provider.people.set("ann", { email: "ann@example.com", email_verified: true, groups: ["staff", "ci"] });
  provider.people.set("bob", { email: "ann@example.com", email_verified: false, groups: "ci-admins" });
  provider.people.set("eve", { email: "eve@example.com", email_verified: true, groups: ["guests"] });
  const settings = { oidc: { ...SETTINGS, issuer: provider.issuer } };
  service = await AccessService.start({ port, url: () => origin, settings });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

/** A browser in which somebody is logged in with the provider already. */
function browserOf(person?: string): Browser {
  const browser = new Browser();
  if (person !== undefined) browser.setCookie(new URL(provider.issuer).port, "login-as", person);
  return browser;
}

/** Begins a login, as far as the address of the provider. */
async function begin(browser: Browser, returnTo = "/"): Promise<URL> {
  const { status, headers } = await browser.get(`${origin}${BEGIN}?returnTo=${encodeURIComponent(returnTo)}`);
  expect(status).toBe(302);
  return new URL(headers.location ?? "");
}

/** Logs in, up to the address that the provider sends the browser back to. */
async function logIn(browser: Browser, change: (url: URL) => void = () => {}): Promise<URL> {
  const url = await begin(browser);
  change(url);
  return await browser.follow(url, CALLBACK);
}

/** What is answered to who is not let in. */
function refused(status: number, message: string) {
  return { status, text: expect.stringContaining(message), headers: { "content-type": "text/html; charset=utf-8" } };
}

describe("a login with an identity provider", () => {
  it("opens a session with the role of the person, and leads back to where it began", async () => {
    const browser = browserOf("ann");
    expect((await browser.get(`${origin}/api/v1/session`)).json).toMatchObject({
      methods: { token: true, oidc: { label: "Example login", path: BEGIN } },
    });
    const url = await begin(browser, "/tasks/abc?run=1#log");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      ...{ response_type: "code", client_id: "boxcar", scope: "openid profile email", code_challenge_method: "S256" },
      ...{ state: expect.stringMatching(/.{43}/), nonce: expect.stringMatching(/.{43}/) },
    });
    const back = await browser.follow(url, CALLBACK);
    const answer = await browser.get(back);
    expect(answer).toMatchObject({ status: 302, headers: { location: "/tasks/abc?run=1#log" } });
    expect(answer.cookies.map((line) => line.replace(/[\w-]{43}/, "VALUE"))).toEqual([
      "boxcar-login=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
      "boxcar=VALUE; Max-Age=43200; Path=/; HttpOnly; SameSite=Lax",
    ]);
    expect((await browser.get(`${origin}/api/v1/session`)).json).toMatchObject({
      principal: { name: "ann@example.com", role: "operator", via: "session" },
    });
    expect(await service.audit.read({ limit: 1 })).toMatchObject([
      { principal: "ann@example.com", action: "login", outcome: "ok", details: { method: "oidc" } },
    ]);
  });

  it("does not take the word of a person for an address of mail", async () => {
    const browser = browserOf("bob");
    await browser.get(await logIn(browser));
    const name = `bob@${new URL(provider.issuer).host}`;
    expect((await browser.get(`${origin}/api/v1/session`)).json).toMatchObject({ principal: { name, role: "admin" } });
  });

  it("says so to who has no role", async () => {
    const browser = browserOf("eve");
    const answer = await browser.get(await logIn(browser));
    expect(answer).toMatchObject(refused(403, "eve@example.com is known to Example login, but has no role here"));
    expect(browser.cookie(service.port, "boxcar")).toBeUndefined();
    expect(await service.audit.read({ limit: 1 })).toMatchObject([
      { action: "login", outcome: "refused", details: { why: expect.stringContaining("eve@example.com") } },
    ]);
  });

  it("says what the provider says, as text", async () => {
    const browser = browserOf();
    const answer = await browser.get(await logIn(browser));
    expect(answer).toMatchObject(refused(403, "Example login refused: you &#60;b&#62;did&#60;/b&#62; not want to"));
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
  });
});

describe("who comes back is refused", () => {
  it("with another state than he went with", async () => {
    const browser = browserOf("ann");
    const back = await logIn(browser);
    back.searchParams.set("state", "A".repeat(43));
    expect(await browser.get(back)).toMatchObject(refused(403, "does not belong to this login"));
    expect(browser.cookie(service.port, "boxcar")).toBeUndefined();
  });

  it("without having been sent from here, as by a link of somebody else", async () => {
    const back = await logIn(browserOf("ann"));
    expect(await browserOf("bob").get(back)).toMatchObject(refused(403, "was not begun in this browser"));
  });

  it("with what belongs to the login of somebody else", async () => {
    const [one, other] = [browserOf("ann"), browserOf("bob")];
    const back = await logIn(one);
    await logIn(other);
    expect(await other.get(back)).toMatchObject(refused(403, "does not belong to this login"));
  });

  it("with a cookie that was not made here", async () => {
    const browser = browserOf("ann");
    const back = await logIn(browser);
    const sealed = browser.cookie(service.port, "boxcar-login") ?? "";
    for (const made of [`${sealed.slice(0, -2)}AA`, "x", `${sealed}.${sealed}`]) {
      browser.setCookie(String(service.port), "boxcar-login", made);
      expect(await browser.get(back)).toMatchObject(refused(403, "was not begun in this browser"));
    }
  });

  it("with a code that has been used", async () => {
    const browser = browserOf("ann");
    const back = await logIn(browser);
    const sealed = browser.cookie(service.port, "boxcar-login") ?? "";
    expect(await browser.get(back)).toMatchObject({ status: 302 });
    // The browser has forgotten the cookie; who has stolen it has not.
    const thief = browserOf();
    thief.setCookie(String(service.port), "boxcar-login", sealed);
    expect(await thief.get(back)).toMatchObject(refused(403, "does not confirm this login (invalid_grant)"));
  });

  it("with a token that was made for another login", async () => {
    const browser = browserOf("ann");
    const back = await logIn(browser, (url) => url.searchParams.set("nonce", "another"));
    expect(await browser.get(back)).toMatchObject(refused(403, "does not belong to this login"));
  });

  it("with a code that was asked for by somebody else", async () => {
    const browser = browserOf("ann");
    const back = await logIn(browser, (url) => url.searchParams.set("code_challenge", "A".repeat(43)));
    expect(await browser.get(back)).toMatchObject(refused(403, "does not confirm this login (invalid_grant)"));
  });

  it("after a long time", async () => {
    const browser = browserOf("ann");
    const back = await logIn(browser);
    service.nowMs += 11 * 60_000;
    expect(await browser.get(back)).toMatchObject(refused(403, "or too long ago"));
  });
});

it.each(["//evil.example", "https://evil.example/", "/\\evil.example", "evil", ""])(
  "a login does not lead to %j afterwards",
  async (returnTo) => {
    const answer = await new Browser().get(`${origin}${BEGIN}?returnTo=${encodeURIComponent(returnTo)}`);
    expect(answer).toMatchObject(refused(400, "returnTo must be a path"));
    expect(answer.headers.location).toBeUndefined();
  },
);

it("takes roles from the token itself, and everybody where there is a role for everybody", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using other = await OidcServer.start({ redirectUri: `${url}${CALLBACK}`, inToken: true });
  other.people.set("eve", { preferred_username: "eve", groups: ["guests"] });
  const oidc = { ...SETTINGS, issuer: other.issuer, nameClaim: "sub", defaultRole: "submitter" } as const;
  await using second = await AccessService.start({ port, url: () => url, settings: { oidc } });
  const browser = new Browser();
  browser.setCookie(new URL(other.issuer).port, "login-as", "eve");
  await browser.get(await browser.follow(`${url}${BEGIN}`, CALLBACK));
  expect((await browser.get(`${url}/api/v1/session`)).json).toMatchObject({
    principal: { name: `eve@${new URL(other.issuer).host}`, role: "submitter" },
  });
  expect(second.port).toBe(port);
});

it("says that the provider cannot be reached, and asks it again the next time", async () => {
  const [port, away] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const settings = { oidc: { ...SETTINGS, issuer: `http://127.0.0.1:${away}` } };
  await using alone = await AccessService.start({ port, url: () => url, settings });
  const answer = await alone.ask(BEGIN);
  expect(answer).toMatchObject(refused(503, "Example login cannot be reached"));
  expect(answer.cookies).toEqual([]);
  await using late = await OidcServer.start({ redirectUri: `${url}${CALLBACK}`, port: away });
  expect(await alone.ask(BEGIN)).toMatchObject({
    status: 302,
    headers: { location: expect.stringContaining(late.issuer) },
  });
});
