/** A worker on a network of strangers: whatever they try is refused, and the worker goes on. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { mayDo, ROLES } from "../../../../src/access/role.ts";
import { describedRoutes } from "../../../../src/cli/worker/describe-api.ts";
import { resolveConfig } from "../../../../src/config/config.ts";
import type { Answer, Login } from "../access-service.ts";
import { type Attempt, attempts } from "./attempts.ts";
import { IMPROPER } from "./bytes.ts";
import { HostileWorld, TREASURE, VICTIM } from "./hostile-world.ts";
import { send } from "./send.ts";

const NOWHERE = { stateDir: "/nowhere", runDir: "/nowhere" };
const CONFIG = resolveConfig(NOWHERE, { env: {}, uid: 0, home: "/nowhere", host: { memoryMiB: 4_096, cpus: 2 } });
const { routes, sockets } = describedRoutes(CONFIG);

type Asked = { as?: Attempt["as"] | undefined; headers?: Attempt["headers"] | undefined };

let world: HostileWorld;
let session: Login;
/** Milliseconds that the worker took for a thing before, and MiB that it had. */
let before: { ms: number; residentMiB: number };

beforeAll(async () => {
  world = await HostileWorld.start();
  session = await world.logIn("admin");
  before = { ms: await pace(), residentMiB: await world.residentMiB() };
}, 60_000);

afterAll(() => world[Symbol.asyncDispose]());

function headersOf({ as = "nobody", headers = {} }: Asked): Record<string, string> {
  if (as === "nobody") return headers;
  if (as === "session") return { cookie: session.cookie, ...headers };
  return { ...world.bearer(as), ...headers };
}

async function ask(ask: string, as?: Attempt["as"], body?: object): Promise<Answer> {
  return await send(world.parts.port, { ask, headers: headersOf({ as }), ...(body === undefined ? {} : { body }) });
}

/** Median of how long a list of tasks takes. */
async function pace(): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 31; n++) {
    const begin = performance.now();
    await ask("/api/v1/tasks", "viewer");
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[15] ?? 0;
}

/** What is told to nobody: where the code is, where things are on the host. */
const INSIDE = /\n\s+at |node:|\.ts:\d|\/(?:work|tmp|usr|var|home|nowhere)\/|127\.0\.0\.1:\d+\/test_/;

/** A websocket; resolves with the refusal, or with undefined if it was opened. */
async function open(path: string, headers: Record<string, string>): Promise<object | undefined> {
  const socket = new WebSocket(`ws://127.0.0.1:${world.parts.port}${path}`, { headers });
  const { promise, resolve, reject } = Promise.withResolvers<object | undefined>();
  socket.on("open", () => resolve(undefined));
  socket.on("unexpected-response", (_request, response) => {
    json(response).then(
      (body) => resolve({ status: response.statusCode, code: (body as { code: string }).code }),
      reject,
    );
  });
  socket.on("error", reject);
  return await promise.finally(() => socket.terminate());
}

describe("what attackers ask for", () => {
  it("is refused, with the right status and no more than a sentence", async () => {
    const all = attempts(world.parts);
    expect(all.length).toBeGreaterThan(200);
    const wrong: object[] = [];
    for (const attempt of all) {
      const { status, json, text } = await send(world.parts.port, { ...attempt, headers: headersOf(attempt) });
      const { code, message } = (json ?? {}) as { code?: string; message?: string };
      const isRight = status === attempt.status && code === attempt.code && typeof message === "string";
      if (!isRight || INSIDE.test(text)) wrong.push({ attempt, status, text: text.slice(0, 300) });
    }
    expect(wrong).toEqual([]);
  });

  it("is refused where the role is another, at every address there is", async () => {
    const wrong: object[] = [];
    let count = 0;
    for (const { method, path, permission, operation } of routes) {
      if (operation === "followEvents") continue;
      const address = path.replaceAll(/\{\+?\w+\}/g, "none");
      for (const role of [undefined, ...ROLES]) {
        // It would be done by whoever may.
        const body = method === "GET" ? undefined : { reason: 5 };
        const { status } = await ask(`${method} ${address}`, role, body);
        const due =
          permission === undefined ? undefined : role === undefined ? 401 : mayDo(role, permission) ? undefined : 403;
        const isRight = due === undefined ? ![401, 403, 500].includes(status) : status === due;
        if (!isRight) wrong.push({ method, path, role, status, due });
        count += 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(200);
  });

  it("is no task of others, also by a newer one under its key", async () => {
    const { waiting } = world.parts;
    const body = { queue: "adversary", payload: { command: ["true"] }, supersede: "a key" };
    const stateOf = async () => ((await ask(`/api/v1/tasks/${waiting}`, "viewer")).json as { state: string }).state;
    expect(await ask("POST /api/v1/tasks", "submitter", body)).toMatchObject({ status: 201 });
    expect(await stateOf()).toBe("pending");
    const own = await send(world.parts.port, { ask: "POST /api/v1/tasks", headers: world.bearer("victim"), body });
    expect(own).toMatchObject({ status: 201, json: { submitter: VICTIM } });
    expect(await stateOf()).toBe("exception");
  });

  it("is kept as it was said, where it harms nobody", async () => {
    const metadata = {
      name: "\u009b2J<img src=x onerror=alert(1)>\u202e",
      description: "a\u0000b",
      owner: "$(reboot)",
    };
    const body = { queue: "adversary", payload: { command: ["\u0001"] }, metadata, tags: { "a'--": "\u0000%_\\" } };
    const { json } = await ask("POST /api/v1/tasks", "submitter", body);
    const { taskId } = json as { taskId: string };
    expect((await ask(`/api/v1/tasks/${taskId}`, "viewer")).json).toMatchObject({ definition: body });
    for (const search of ["'--", "' OR 1=1 --", "(a+)+$", "((((((((((", "\\", "%", "_", "[[:alpha:]]*"]) {
      const { status, json } = await ask(`/api/v1/tasks?search=${encodeURIComponent(search)}x`, "viewer");
      expect({ search, status, json }).toEqual({ search, status: 200, json: [] });
    }
  });

  it("shows what a task has made to who may see it, and no page of his to a browser", async () => {
    const { done } = world.parts;
    const { status, text, headers } = await ask(`/api/v1/tasks/${done}/runs/0/artifacts/public/page.html`, "viewer");
    expect({ status, text }).toEqual({ status: 200, text: TREASURE });
    expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*sandbox$/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });
});

describe("websockets", () => {
  const fill = (path: string) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name) =>
      name === "task" ? world.parts.done : name === "run" ? "0" : name === "name" ? "task.log" : "A",
    );
  const forAnyPage = sockets.filter(({ isForAnyPage }) => isForAnyPage === true);
  const own = sockets.filter(({ isForAnyPage }) => isForAnyPage !== true);

  it("are not for nobody", async () => {
    expect([own.length, forAnyPage.length]).toEqual([6, 2]);
    for (const { path } of own) expect(await open(fill(path), {})).toEqual({ status: 401, code: "unauthenticated" });
    for (const { path } of forAnyPage) expect(await open(fill(path), {})).toEqual({ status: 404, code: "no-machine" });
    for (const as of ["expired", "revoked"] as const) {
      for (const { path } of sockets)
        expect(await open(fill(path), headersOf({ as }))).toEqual({ status: 401, code: "bad-token" });
    }
  });

  it.each([
    ["of another page", { origin: "https://evil.example" }, "wrong-origin"],
    ["of a page without an origin", { origin: "null" }, "wrong-origin"],
    ["of another port", { origin: "http://127.0.0.1:1" }, "wrong-origin"],
    ["of a page that says nothing", { "sec-fetch-site": "cross-site" }, "wrong-origin"],
    ["of a stranger's name", { host: "evil.example" }, "wrong-host"],
    ["of both", { host: "evil.example", origin: "http://evil.example" }, "wrong-host"],
  ])("are not for the cookie %s", async (_, headers, code) => {
    for (const { path } of own)
      expect(await open(fill(path), { cookie: session.cookie, ...headers })).toEqual({ status: 403, code });
  });

  it.each([
    ["a run", () => `/api/v1/tasks/${world.parts.done}/runs/0`, ["display", "shell"], "no-machine"],
    ["a machine that stays", () => "/api/v1/vms/dev", ["display", "shell", "console"], "vm-not-found"],
  ])("are not for who has no link that works: those of %s", async (_, place, kinds, missing) => {
    const base = place();
    for (const kind of kinds) {
      for (const ticket of ["", "A", "A".repeat(43), "__proto__", "%00".repeat(3)]) {
        const code = ticket.startsWith("%")
          ? { status: 400, code: "bad-request" }
          : { status: 403, code: "link-not-valid" };
        expect(await open(`${base}/${kind}?ticket=${ticket}`, {})).toEqual(code);
      }
      expect(await open(`${base}/${kind}?ticket=A`, headersOf({ as: "admin" }))).toEqual({
        status: 403,
        code: "link-not-valid",
      });
      expect(await open(`${base}/${kind}`, headersOf({ as: "admin" }))).toEqual({ status: 404, code: missing });
    }
  });

  it("are not where there are none", async () => {
    const { done } = world.parts;
    const admin = headersOf({ as: "admin" });
    for (const path of ["/", "/api/v1/tasks", "/api/v1/events", `/api/v1/tasks/${done}/runs/0/logs/..%2ftask.log/x`]) {
      expect(await open(path, admin)).toEqual({ status: 404, code: "not-found" });
    }
    const log = `/api/v1/tasks/${done}/runs/0/logs`;
    expect(await open(`${log}/..%2ftask.log`, admin)).toEqual({ status: 404, code: "log-not-found" });
    expect(await open(`${log}/task.log%00`, admin)).toEqual({ status: 400, code: "bad-request" });
    expect(await open(`${log}/%ff`, admin)).toEqual({ status: 400, code: "bad-request" });
    expect(await open(`${log}/task.log?from=x`, admin)).toEqual({ status: 400, code: "bad-request" });
    expect(await open(`${log}/task.log`, { ...admin, "x-boxcar-fleet": "1" })).toEqual({
      status: 401,
      code: "fleet-statement-refused",
    });
  });

  it("end with who says too much, in one message or in many", async () => {
    const address = `ws://127.0.0.1:${world.parts.port}/api/v1/tasks/${world.parts.done}/runs/0/logs/task.log?follow=1`;
    const opened = async () => {
      const socket = new WebSocket(address, { headers: headersOf({ as: "viewer" }) });
      socket.on("error", () => {});
      await once(socket, "open");
      return socket;
    };
    const large = await opened();
    const closed = once(large, "close");
    large.send(Buffer.alloc(1_048_576));
    expect([1_000, 1_006, 1_008, 1_009]).toContain((await closed)[0]);
    const rude = await opened();
    const gone = once(rude, "close");
    rude.pause();
    for (let n = 0; n < 200_000 && rude.readyState === rude.OPEN; n++) rude.ping(Buffer.alloc(125));
    rude.resume();
    rude.close();
    await gone;
  });
});

describe("what is no request", () => {
  it.each(Object.keys(IMPROPER))("%s: is not answered as one", async (what) => {
    const answer = await world.raw(IMPROPER[what] ?? "");
    const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
    expect(statuses.length).toBeLessThanOrEqual(1);
    for (const status of statuses) expect([400, 401, 413, 431, 505]).toContain(status);
    expect(answer).not.toMatch(/healthy|\n\s+at /);
  });

  it("many on one connection, whose answers nobody waits for, are not begun", async () => {
    const one = `GET /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: boxcar=${"A".repeat(43)}\r\n\r\n`;
    const answer = await world.raw(one.repeat(50_000));
    expect(answer.match(/^HTTP/gm)?.length ?? 0).toBeLessThan(1_000);
    expect(await world.residentMiB()).toBeLessThan(before.residentMiB + 200);
  });

  it("a body that never says how long it is, is not kept beyond a limit", async () => {
    const headers = { ...headersOf({ as: "submitter" }), "content-type": "application/json" };
    const { port } = world.parts;
    const asked = request({ port, host: "127.0.0.1", method: "POST", path: "/api/v1/tasks", headers });
    const answered = once(asked, "response");
    await pipeline(Readable.from(Array.from({ length: 512 }, () => Buffer.alloc(65_536, " "))), asked);
    const [{ statusCode }] = (await answered) as [IncomingMessage];
    asked.destroy();
    expect(statusCode).toBe(413);
    expect(await world.residentMiB()).toBeLessThan(before.residentMiB + 200);
  });
});

describe("afterwards", () => {
  it("the worker is there, as quick and as small as before", async () => {
    expect(await ask("/healthz")).toMatchObject({ status: 200, json: { healthy: true } });
    expect((await ask("/api/v1/worker", "viewer")).json).toMatchObject({ state: "claiming" });
    expect(await pace()).toBeLessThan(10 * before.ms);
    expect(await world.residentMiB()).toBeLessThan(before.residentMiB + 200);
  });

  it("nothing that lets somebody in stands in a log", async () => {
    const { text } = await ask("/api/v1/audit?limit=1000", "admin");
    expect(text).toContain('"submitTask"');
    const secrets = [...Object.values(world.parts.tokens), session.cookie.split("=")[1] ?? "", session.csrf];
    for (const secret of secrets) {
      expect(text).not.toContain(secret.slice(-43));
      expect(world.parts.log()).not.toContain(secret.slice(-43));
    }
    // No mistake of a client is one of the worker.
    expect(world.parts.log().split("claims tasks\n")).toEqual([expect.any(String), ""]);
  });
});
