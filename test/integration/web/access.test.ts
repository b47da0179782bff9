import { once } from "node:events";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { LOCAL } from "../../../src/access/principal.ts";
import { mayDo, PERMISSIONS, ROLES } from "../../../src/access/role.ts";
import { OpenConnections } from "../../../src/web/server/open-connections.ts";
import { AccessService, RATE_LIMITS } from "./access-service.ts";

let service: AccessService;

beforeEach(async () => {
  service = await AccessService.start();
});

afterEach(() => service[Symbol.asyncDispose]());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const HOUR_MS = 3_600_000;

/** A token that was never made. */
const WRONG = `bxc_0123456789_${"A".repeat(43)}`;

describe("a token", () => {
  it.each(ROLES)("of a %s is good for what the role may, and nothing else", async (role) => {
    const headers = bearer(await service.token(role));
    for (const permission of PERMISSIONS) {
      for (const method of ["GET", "POST"]) {
        const answer = await service.ask(`/api/v1/test/${permission}`, { method, headers });
        expect([permission, answer.status]).toEqual([permission, mayDo(role, permission) ? 200 : 403]);
        if (answer.status === 200) expect(answer.json).toEqual({ name: role, role, via: "token" });
        else expect(answer.json).toMatchObject({ code: "forbidden", message: expect.stringContaining(permission) });
      }
    }
  });

  it("is asked for, where there is none", async () => {
    const answer = await service.ask("/api/v1/test/read");
    expect(answer).toMatchObject({ status: 401, json: { code: "unauthenticated" } });
  });

  it.each([
    ["unknown", () => bearer(WRONG)],
    ["no token at all", () => bearer("x")],
    ["empty", () => ({ authorization: "Bearer " })],
    ["given as a password", () => ({ authorization: `Basic ${Buffer.from(`x:${WRONG}`).toString("base64")}` })],
  ])("that is %s is refused", async (_what, headers) => {
    const answer = await service.ask("/api/v1/test/read", { headers: headers() });
    expect(answer).toMatchObject({ status: 401, json: { code: "bad-token" } });
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
    expect(answer.text).not.toContain("AAAA");
  });

  it("with another secret than its own is refused", async () => {
    const token = await service.token("admin");
    const other = token.slice(0, -1) + (token.endsWith("A") ? "E" : "A");
    expect(await service.ask("/api/v1/test/read", { headers: bearer(other) })).toMatchObject({ status: 401 });
    expect(await service.ask("/api/v1/test/read", { headers: bearer(token) })).toMatchObject({ status: 200 });
  });

  it("ends when it expires, and with it the session that came from it", async () => {
    const token = await service.token("admin", { expires: new Date(service.nowMs + HOUR_MS) });
    const { cookie } = await service.logIn(token);
    service.nowMs += HOUR_MS - 1;
    for (const headers of [bearer(token), { cookie }]) {
      expect(await service.ask("/api/v1/test/read", { headers })).toMatchObject({ status: 200 });
    }
    service.nowMs += 1;
    for (const headers of [bearer(token), { cookie }]) {
      expect(await service.ask("/api/v1/test/read", { headers })).toMatchObject({ status: 401 });
    }
  });

  it("ends when it is revoked, and with it the session that came from it", async () => {
    const token = await service.token("admin");
    const { cookie } = await service.logIn(token);
    await service.access.tokens.revoke(token.slice(4, 14));
    for (const headers of [bearer(token), { cookie }]) {
      expect(await service.ask("/api/v1/test/read", { headers })).toMatchObject({ status: 401 });
    }
  });
});

describe("a session", () => {
  it("is opened again and again by one token, but not without an end", async () => {
    const [token, other] = [await service.token("viewer"), await service.token("admin")];
    const statuses: number[] = [];
    for (let n = 0; n < 60; n++) {
      const { status, headers } = await service.ask("/api/v1/session", { method: "POST", body: { token } });
      statuses.push(status);
      if (status === 429) expect(headers["retry-after"]).toMatch(/^[1-9]\d*$/);
    }
    expect([statuses.indexOf(429), statuses.at(-1)]).toEqual([50, 429]);
    // The token itself, and others, are good as before.
    expect(await service.ask("/api/v1/test/read", { headers: bearer(token) })).toMatchObject({ status: 200 });
    await service.logIn(other);
    service.nowMs += 60_000;
    await service.logIn(token);
  });

  it.each(ROLES)("of a %s says who it is, and is good for what the role may", async (role) => {
    const { cookie, csrf } = await service.logIn(await service.token(role));
    expect((await service.ask("/api/v1/session", { headers: { cookie } })).json).toEqual({
      principal: { name: role, role, via: "session" },
      permissions: PERMISSIONS.filter((permission) => mayDo(role, permission)),
      ...{ csrf, accessEnabled: true, methods: { token: true }, version: "1.2.3", workerId: "w1" },
    });
    for (const permission of PERMISSIONS) {
      const headers = { cookie, "x-boxcar-csrf": csrf };
      const { status } = await service.ask(`/api/v1/test/${permission}`, { method: "POST", headers });
      expect([permission, status]).toEqual([permission, mayDo(role, permission) ? 200 : 403]);
    }
  });

  it("is not there before a login, and can be asked about all the same", async () => {
    for (const cookie of ["", "boxcar=x", `boxcar=${"A".repeat(43)}`, `boxcar=${"%00".repeat(20)}`]) {
      const answer = await service.ask("/api/v1/session", { headers: { cookie } });
      expect(answer).toMatchObject({ status: 200, json: { principal: null, permissions: [], accessEnabled: true } });
      expect(answer.json).not.toHaveProperty("csrf");
      expect(await service.ask("/api/v1/test/read", { headers: { cookie } })).toMatchObject({ status: 401 });
    }
  });

  it("has a cookie that no script can read, and no other site makes a browser send", async () => {
    const body = { token: await service.token("viewer") };
    const { cookies } = await service.ask("/api/v1/session", { method: "POST", body });
    expect(cookies).toEqual([
      expect.stringMatching(/^boxcar=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  it("ends when its time is up, however much it is used", async () => {
    const { cookie } = await service.logIn(await service.token("viewer"));
    for (let hour = 0; hour < 12; hour++) {
      expect(await service.ask("/api/v1/test/read", { headers: { cookie } })).toMatchObject({ status: 200 });
      service.nowMs += HOUR_MS;
    }
    expect(await service.ask("/api/v1/test/read", { headers: { cookie } })).toMatchObject({ status: 401 });
  });

  it("ends when its owner logs out, on the server too, and no other one does", async () => {
    const token = await service.token("viewer");
    const [one, other] = [await service.logIn(token), await service.logIn(token)];
    const headers = { cookie: one.cookie, "x-boxcar-csrf": one.csrf };
    const answer = await service.ask("/api/v1/session", { method: "DELETE", headers });
    expect(answer).toMatchObject({ status: 204, text: "" });
    expect(answer.cookies).toEqual([expect.stringMatching(/^boxcar=; Max-Age=0; Path=\//)]);
    expect(await service.ask("/api/v1/test/read", { headers: { cookie: one.cookie } })).toMatchObject({ status: 401 });
    expect(await service.ask("/api/v1/test/read", { headers: { cookie: other.cookie } })).toMatchObject({
      status: 200,
    });
  });

  it("is not opened with a token that is wrong, or none", async () => {
    const logIn = (body: object) => service.ask("/api/v1/session", { method: "POST", body });
    expect(await logIn({ token: WRONG })).toMatchObject({ status: 401, cookies: [] });
    expect(await logIn({})).toMatchObject({ status: 400, cookies: [] });
    expect(await logIn({ token: ["x"] })).toMatchObject({ status: 400, cookies: [] });
  });

  it("changes nothing without its own value, or with that of another one", async () => {
    const token = await service.token("admin");
    const [one, other] = [await service.logIn(token), await service.logIn(token)];
    for (const csrf of [
      {},
      { "x-boxcar-csrf": "" },
      { "x-boxcar-csrf": other.csrf },
      { "x-boxcar-csrf": `${one.csrf}x` },
    ]) {
      const headers = { cookie: one.cookie, ...csrf } as Record<string, string>;
      for (const [method, path] of [
        ["POST", "/api/v1/test/operate"],
        ["DELETE", "/api/v1/session"],
      ] as const) {
        const answer = await service.ask(path, { method, headers });
        expect(answer).toMatchObject({ status: 403, json: { code: "wrong-csrf" } });
      }
    }
    const headers = { cookie: one.cookie, "x-boxcar-csrf": one.csrf };
    expect(await service.ask("/api/v1/test/operate", { method: "POST", headers })).toMatchObject({ status: 200 });
  });

  it("needs no such value to look, nor does a token to change something", async () => {
    const token = await service.token("admin");
    const { cookie } = await service.logIn(token);
    expect(await service.ask("/api/v1/test/operate", { headers: { cookie } })).toMatchObject({ status: 200 });
    const headers = bearer(token);
    expect(await service.ask("/api/v1/test/operate", { method: "POST", headers })).toMatchObject({ status: 200 });
  });
});

describe("a page of somebody else", () => {
  const origin = () => ({
    "another host": { origin: "https://evil.example" },
    "another port": { origin: `http://127.0.0.1:${service.port + 1}` },
    "no host": { origin: "null" },
    "another site, as the browser says": { "sec-fetch-site": "cross-site" },
    "a sibling site": { "sec-fetch-site": "same-site" },
  });

  it.each(["another host", "another port", "no host", "another site, as the browser says", "a sibling site"] as const)(
    "changes nothing from %s, whatever it knows, and opens no websocket",
    async (where) => {
      const token = await service.token("admin");
      const { cookie, csrf } = await service.logIn(token);
      const from = origin()[where];
      const headers = { cookie, "x-boxcar-csrf": csrf, ...from } as Record<string, string>;
      for (const path of ["/api/v1/test/operate", "/api/v1/session"]) {
        const answer = await service.ask(path, { method: "POST", headers, body: { token } });
        expect(answer).toMatchObject({ status: 403, json: { code: "wrong-origin" } });
      }
      expect(await service.connect(headers)).toBe(403);
    },
  );

  it("is not taken for one of ours, which say the same origin", async () => {
    const { cookie, csrf } = await service.logIn(await service.token("admin"));
    const own = { origin: `http://127.0.0.1:${service.port}`, "sec-fetch-site": "same-origin" };
    const headers = { cookie, "x-boxcar-csrf": csrf, ...own };
    expect(await service.ask("/api/v1/test/operate", { method: "POST", headers })).toMatchObject({ status: 200 });
    expect(await service.connect({ cookie, ...own })).toBe("admin session");
  });

  it.each(["evil.example", "127.0.0.1.evil.example", "10.1.2.3", "localhost.evil.example:80"])(
    "does not get here by the name %s",
    async (host) => {
      const headers = { ...bearer(await service.token("admin")), host };
      expect(await service.ask("/api/v1/test/read", { headers })).toMatchObject({
        status: 403,
        json: { code: "wrong-host", message: expect.stringContaining("worker.http.names") },
      });
      expect(await service.connect(headers)).toBe(403);
    },
  );
});

describe("a websocket", () => {
  it("is opened by who may, with a token or a session", async () => {
    const token = await service.token("operator");
    expect(await service.connect(bearer(token))).toBe("operator token");
    expect(await service.connect({ cookie: (await service.logIn(token)).cookie })).toBe("operator session");
  });

  it("is refused to others", async () => {
    const viewer = await service.token("viewer");
    expect(await service.connect({})).toBe(401);
    expect(await service.connect(bearer(WRONG))).toBe(401);
    expect(await service.connect(bearer(viewer))).toBe(403);
    expect(await service.connect({ cookie: (await service.logIn(viewer)).cookie })).toBe(403);
  });

  it("that somebody's role did not allow is remembered, and nothing of its query", async () => {
    expect(await service.connect(bearer(await service.token("viewer")), "?ticket=s3cret")).toBe(403);
    expect(await service.connect({})).toBe(401);
    const { json, text } = await service.ask("/api/v1/audit", { headers: bearer(await service.token("admin")) });
    expect(json).toEqual([
      expect.objectContaining({
        ...{ principal: "viewer", via: "token", action: "whoAmI", target: "test/whoami", outcome: "refused" },
        ...{ address: "127.0.0.1", details: { status: 403 } },
      }),
    ]);
    expect(text).not.toContain("s3cret");
  });
});

describe("a connection that stays open", () => {
  const open = async (headers: Record<string, string>) => {
    const socket = new WebSocket(`ws://127.0.0.1:${service.port}/api/v1/test/whoami`, { headers });
    await once(socket, "message");
    return socket;
  };

  it("ends with the token it was opened by, with the session, or with its time; others stay", async () => {
    const [revoked, short] = [
      await service.token("operator"),
      await service.token("operator", { expires: new Date(service.nowMs + HOUR_MS) }),
    ];
    const kept = await service.token("admin");
    const [session, out] = [await service.logIn(revoked), await service.logIn(kept)];
    const ends = [bearer(revoked), { cookie: session.cookie }, bearer(short), { cookie: out.cookie }];
    const sockets = await Promise.all(ends.map(open));
    const stays = await open(bearer(kept));
    await service.authenticator.connections.look();
    expect([...sockets, stays].map(({ readyState }) => readyState)).toEqual(Array(5).fill(WebSocket.OPEN));

    await service.access.tokens.revoke(revoked.slice(4, 14));
    await service.ask("/api/v1/session", {
      method: "DELETE",
      headers: { cookie: out.cookie, "x-boxcar-csrf": out.csrf },
    });
    service.nowMs += HOUR_MS;
    const closed = sockets.map((socket) => once(socket, "close"));
    await service.authenticator.connections.look();
    await Promise.all(closed);
    expect(stays.readyState).toBe(WebSocket.OPEN);
    stays.terminate();
  });

  it("is looked at by itself, now and then", async () => {
    const isGood = vi.fn(async () => false);
    using connections = new OpenConnections(isGood, 1);
    const socket = new PassThrough();
    connections.note(socket, { kind: "token", secret: "x" });
    await once(socket, "close");
    expect(isGood).toHaveBeenCalledWith({ kind: "token", secret: "x" });
  });

  it("ends with the login of what it still answers, whatever was asked on it later", async () => {
    const { port, authenticator } = service;
    const [token, later] = [await service.token("viewer"), await service.token("admin")];
    const socket = connect({ host: "127.0.0.1", port });
    const ask = (line: string, who = "") => socket.write(`${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${who}\r\n`);
    ask("GET /api/v1/test/endless", `Authorization: Bearer ${token}\r\n`);
    await once(socket, "data");
    const asked = authenticator.connections.size;
    ask("GET /api/v1/test/read");
    ask("GET /api/v1/test/read", `Authorization: Bearer ${later}\r\n`);
    await vi.waitFor(() => expect(authenticator.connections.size).toBe(asked + 1));
    await service.access.tokens.revoke(token.slice(4, 14));
    const closed = once(socket, "close");
    await authenticator.connections.look();
    await closed;
    expect(authenticator.connections.size).toBe(0);
  });

  it("stays where nobody can tell, and is looked at once for each login", async () => {
    const isGood = vi.fn(async () => Promise.reject(new Error("the database is away")));
    using connections = new OpenConnections(isGood, HOUR_MS);
    const sockets = [new PassThrough(), new PassThrough(), new PassThrough()];
    for (const socket of sockets) connections.note(socket, { kind: "session", secret: "x" });
    const answer = new PassThrough();
    connections.note(sockets[2] as PassThrough, { kind: "token", secret: "answered" }, answer);
    answer.destroy();
    await once(answer, "close");
    // Many requests may come one after the other.
    for (let count = 0; count < 20; count++)
      connections.note(sockets[0] as PassThrough, { kind: "session", secret: "x" });
    expect(sockets[0]?.listenerCount("close")).toBe(1);
    await connections.look();
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    expect(isGood).toHaveBeenCalledTimes(1);
  });
});

describe("too much", () => {
  it("are many wrong tokens from one address, and who has been let in before is not kept out by them", async () => {
    const [known, unknown] = [await service.token("viewer"), await service.token("viewer")];
    const read = (headers: Record<string, string>) => service.ask("/api/v1/test/read", { headers });
    const { cookie } = await service.logIn(known);
    for (let attempt = 0; attempt < RATE_LIMITS.failedLoginsPerMinute; attempt++) {
      expect(await read(bearer(WRONG))).toMatchObject({ status: 401 });
    }
    for (const token of [WRONG, unknown]) {
      const answer = await read(bearer(token));
      expect(answer).toMatchObject({
        status: 429,
        json: { code: "too-many-logins" },
        headers: { "retry-after": "12" },
      });
      const login = await service.ask("/api/v1/session", { method: "POST", body: { token } });
      expect(login).toMatchObject({ status: 429, cookies: [] });
    }
    expect(await read(bearer(known))).toMatchObject({ status: 200 });
    expect(await read({ cookie })).toMatchObject({ status: 200 });
    service.nowMs += 12_000;
    expect(await read(bearer(unknown))).toMatchObject({ status: 200 });
  });
});

it("a client that asks too often is told when to ask again, and others are not kept out", async () => {
  await using strict = await AccessService.start({
    settings: { rateLimits: { ...RATE_LIMITS, requestsPerSecond: 1 } },
  });
  const [one, other] = [await strict.token("viewer", { name: "one" }), await strict.token("viewer", { name: "other" })];
  const read = (headers: Record<string, string>) => strict.ask("/api/v1/test/read", { headers });
  for (let count = 0; count < 5; count++) expect(await read(bearer(one))).toMatchObject({ status: 200 });
  const refused = { status: 429, json: { code: "too-many-requests" }, headers: { "retry-after": "1" } };
  expect(await read(bearer(one))).toMatchObject(refused);
  expect(await read(bearer(other))).toMatchObject({ status: 200 });
  for (let count = 0; count < 5; count++) expect(await read({})).toMatchObject({ status: 401 });
  expect(await read({})).toMatchObject(refused);
  strict.nowMs += 1_000;
  expect(await read(bearer(one))).toMatchObject({ status: 200 });
});

it("wrong tokens from everywhere together are too many at some time", async () => {
  const rateLimits = { ...RATE_LIMITS, allFailedLoginsPerMinute: 6 };
  await using strict = await AccessService.start({ settings: { rateLimits }, proxies: ["127.0.0.1"] });
  const from = (address: string) =>
    strict.ask("/api/v1/test/read", { headers: { ...bearer(WRONG), "x-forwarded-for": address } });
  for (let host = 0; host < 6; host++) expect(await from(`192.0.2.${host}`)).toMatchObject({ status: 401 });
  expect(await from("192.0.2.100")).toMatchObject({ status: 429 });
});

it("an address behind a proxy counts, if the proxy is one of ours", async () => {
  await using direct = await AccessService.start();
  await using behind = await AccessService.start({ proxies: ["127.0.0.0/8"] });
  for (const [server, address] of [
    [direct, "127.0.0.1"],
    [behind, "192.0.2.7"],
  ] as const) {
    const headers = { ...bearer(WRONG), "x-forwarded-for": "198.51.100.1, 192.0.2.7" };
    await server.ask("/api/v1/test/read", { headers });
    expect(await server.audit.read({ limit: 1 })).toMatchObject([{ action: "login", address, outcome: "refused" }]);
  }
});

it("answers to the names it is given, with cookies for HTTPS where its address is that", async () => {
  await using named = await AccessService.start({
    url: () => "https://ci.example.com",
    names: ["worker-1.example.com"],
  });
  const body = { token: await named.token("viewer") };
  const logIn = (host: string) => named.ask("/api/v1/session", { method: "POST", body, headers: { host } });
  const secure = await logIn("CI.example.com");
  expect(secure.cookies).toEqual([
    expect.stringMatching(/^__Host-boxcar=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
  ]);
  const cookie = secure.cookies[0]?.split(";")[0] ?? "";
  const read = (headers: Record<string, string>) => named.ask("/api/v1/test/read", { headers });
  expect(await read({ host: "ci.example.com", cookie })).toMatchObject({ status: 200 });
  // A page of http://ci.example.com could have set this one.
  expect(await read({ host: "ci.example.com", cookie: cookie.slice("__Host-".length) })).toMatchObject({ status: 401 });
  expect((await logIn("worker-1.example.com:7070")).cookies[0]).toMatch(/^boxcar=/);
  expect(await logIn("worker-2.example.com")).toMatchObject({ status: 403 });
});

it("on the control socket everybody is who opens it", async () => {
  await using local = await AccessService.start({ everybody: LOCAL });
  expect(await local.ask("/api/v1/test/administer", { method: "POST" })).toMatchObject({ status: 200, json: LOCAL });
  expect((await local.ask("/api/v1/session")).json).toMatchObject({ principal: LOCAL, accessEnabled: true });
});

describe("the audit log", () => {
  it("tells logins, what was changed, and what was refused, but no secret", async () => {
    const [admin, viewer] = [await service.token("admin"), await service.token("viewer")];
    const { cookie, csrf } = await service.logIn(admin);
    await service.ask("/api/v1/test/operate", { method: "POST", headers: { cookie, "x-boxcar-csrf": csrf } });
    await service.ask("/api/v1/test/operate?token=s3cret", { method: "POST", headers: bearer(viewer) });
    await service.ask("/api/v1/test/read", { headers: bearer(viewer) });
    await service.ask("/api/v1/session", { method: "POST", body: { token: WRONG } });
    await service.ask("/api/v1/session", { method: "DELETE", headers: { cookie, "x-boxcar-csrf": csrf } });
    const answer = await service.ask("/api/v1/audit", { headers: bearer(admin) });
    expect(answer.json).toMatchObject([
      { principal: "admin", via: "session", action: "logout", outcome: "ok" },
      { principal: "nobody", via: "none", action: "login", outcome: "refused", address: "127.0.0.1" },
      { principal: "viewer", via: "token", action: "postTest", target: "test/operate", outcome: "refused" },
      { principal: "admin", via: "session", action: "postTest", target: "test/operate", outcome: "ok" },
      { principal: "admin", via: "session", action: "login", outcome: "ok", details: { method: "token" } },
    ]);
    for (const secret of ["s3cret", "bxc_", cookie.slice(7), csrf]) expect(answer.text).not.toContain(secret);
  });

  it("is read in parts, by those who may", async () => {
    const headers = bearer(await service.token("admin"));
    for (let count = 0; count < 5; count++) await service.ask("/api/v1/test/operate", { method: "POST", headers });
    const ids = async (query: string) => {
      const { json } = await service.ask(`/api/v1/audit?${query}`, { headers });
      return (json as { id: string }[]).map(({ id }) => id);
    };
    const all = await ids("");
    expect(all).toHaveLength(5);
    expect(await ids("limit=2")).toEqual(all.slice(0, 2));
    expect(await ids(`limit=2&before=${all[1]}`)).toEqual(all.slice(2, 4));
    expect(await ids(`before=${all[4]}`)).toEqual([]);
    expect(await service.ask("/api/v1/audit?before=x", { headers })).toMatchObject({ status: 400 });
    const operator = bearer(await service.token("operator"));
    expect(await service.ask("/api/v1/audit", { headers: operator })).toMatchObject({ status: 403 });
  });
});
