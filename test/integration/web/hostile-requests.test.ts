import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST } from "../../../src/access/principal.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { buildOpenApi } from "../../../src/web/api/openapi.ts";
import { integer } from "../../../src/web/api/parameters.ts";
import { defineRoute } from "../../../src/web/api/route.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { CheckedClient } from "./checked-client.ts";

const answers = { 200: { description: "A text.", schema: "readiness" } };

const routes = [
  defineRoute()({
    ...{ method: "GET", path: "/things/{thing}", operation: "getThing", summary: "A thing", tag: "tasks" },
    ...{ permission: "read", answers, query: { limit: integer("How many.", { minimum: 1, maximum: 9 }) } },
    handle({ params }) {
      if (params.thing === "broken") throw new TypeError("/etc/passwd is not a function");
      return { ready: true, why: params.thing };
    },
  }),
  defineRoute<unknown>()({
    ...{ method: "POST", path: "/things/check", operation: "checkThing", summary: "Checks a thing", tag: "tasks" },
    ...{ permission: "submit", answers, body: { unchecked: "task-definition" } },
    handle: () => ({ ready: true }),
  }),
  defineRoute()({
    ...{ method: "DELETE", path: "/things/{thing}", operation: "removeThing", summary: "Removes it", tag: "tasks" },
    ...{ permission: "submit", answers },
    handle: () => ({ ready: true }),
  }),
];

const failures: unknown[] = [];
let service: HttpService;
let client: CheckedClient;

beforeAll(async () => {
  const app = createApp({ routes, authenticate: async () => HOST, onFailure: (error) => void failures.push(error) });
  const limits = { headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 20 };
  service = await HttpService.listen({ host: "127.0.0.1", port: 0 }, app, undefined, { limits });
  const document = buildOpenApi({ routes, sockets: [], version: "1" });
  client = new CheckedClient({ port: service.port ?? 0, document });
});

afterAll(() => service[Symbol.asyncDispose]());

describe("a method that there is not", () => {
  it.each([
    ["POST", "/things/a", "GET, HEAD, DELETE, OPTIONS"],
    ["PUT", "/things/check", "GET, HEAD, DELETE, POST, OPTIONS"],
    ["PATCH", "/things/a", "GET, HEAD, DELETE, OPTIONS"],
    ["TRACE", "/things/a", "GET, HEAD, DELETE, OPTIONS"],
  ])("is told what there is: %s %s", async (method, path, allow) => {
    const { status, headers, json } = await client.ask(method, path);
    expect({ status, json }).toMatchObject({ status: 405, json: { code: "method-not-allowed" } });
    expect(headers.allow?.split(", ").sort()).toEqual(allow.split(", ").sort());
  });

  it("is known by asking for it, and none of it is for pages of others", async () => {
    const { status, headers, bytes } = await client.ask("OPTIONS", "/things/a");
    expect({ status, length: bytes.length }).toEqual({ status: 204, length: 0 });
    expect(headers.allow).toContain("GET");
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("is not what a path without anything lacks", async () => {
    expect(await client.ask("PUT", "/nothing")).toMatchObject({ status: 404 });
    expect(await client.ask("OPTIONS", "/nothing")).toMatchObject({ status: 404 });
  });

  it("HEAD is GET without content", async () => {
    const [head, get] = [await client.ask("HEAD", "/things/a"), await client.get("/things/a")];
    expect({ ...head.headers, date: "" }).toEqual({ ...get.headers, date: "" });
    expect([head.bytes.length, get.bytes.length > 0]).toEqual([0, true]);
  });
});

describe("a request that is none", () => {
  it.each([
    ["?limt=5", "limt"],
    ["?limit=5&limit=6", "once"],
    ["?limit=0", "from 1 to 9"],
    ["?limit=1e0", "from 1 to 9"],
    ["?__proto__=1", "__proto__"],
    ["?limit[]=1", "limit[]"],
  ])("says what is wrong with %s", async (query, said) => {
    const { status, json } = await client.get(`/things/a${query}`);
    expect({ status, json }).toMatchObject({ status: 400, json: { code: "bad-request" } });
    expect((json as { message: string }).message).toContain(said);
  });

  it("has an address that is too long", async () => {
    expect(await client.get(`/things/${"a".repeat(14_400)}`)).toMatchObject({
      status: 414,
      json: { code: "too-long" },
    });
    expect(await client.get(`/things/${"a".repeat(13_000)}`)).toMatchObject({ status: 200 });
    const socket = connect(service.port ?? 0, "127.0.0.1");
    socket.end(`GET /things/${"a".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each([
    ["lists", "[", "]"],
    ["objects", '{"a":', "}"],
  ])("has %s in one another without an end", async (_, begin, end) => {
    for (const levels of [100, 100_000]) {
      const body = `${begin.repeat(levels)}1${end.repeat(levels)}`;
      expect(await client.post("/things/check", body)).toMatchObject({ status: 400, json: { code: "too-deep" } });
    }
    expect(await client.post("/things/check", `${begin.repeat(50)}1${end.repeat(50)}`)).toMatchObject({ status: 200 });
  });

  it.each([
    ["not JSON", "{", 400],
    ["a text", '"text"', 400],
    ["nothing of a kind", "\u0000", 400],
    ["too much", JSON.stringify("x".repeat(2_000_000)), 413],
  ])("has a body that is %s", async (_, body, status) => {
    expect(await client.post("/things/check", body)).toMatchObject({ status });
  });

  it("has a body of another type, or packing", async () => {
    const path = "/things/check";
    expect(await client.post(path, "{}", { "content-type": "text/plain" })).toMatchObject({ status: 415 });
    expect(await client.post(path, "{}", { "content-encoding": "rot13" })).toMatchObject({ status: 415 });
    const charset = { "content-type": "application/json; charset=ebcdic" };
    expect(await client.post(path, "{}", charset)).toMatchObject({ status: 415 });
  });

  it.each([
    ["a head", "POST /things/check HTTP/1.1\r\nHost: localhost\r\nX-A: "],
    [
      "a body",
      "POST /things/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ],
  ])("has %s without an end, and does not wait for ever", async (_, begin) => {
    const socket = connect(service.port ?? 0, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(begin);
    const said = text(socket).catch(() => "");
    await once(socket, "close");
    expect(await said).toMatch(/^HTTP\/1\.1 408 /);
  });
});

it("what fails inside is told to the worker's log, not to who asked", async () => {
  const { status, json } = await client.get("/things/broken");
  expect(status).toBe(500);
  expect(json).toEqual({ code: "internal-error", message: "the worker failed at this; its log says how" });
  expect(failures.map(String)).toEqual(["TypeError: /etc/passwd is not a function"]);
});
