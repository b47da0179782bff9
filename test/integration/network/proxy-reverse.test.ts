import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import type { RequestListener, ServerResponse } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { EgressLog } from "../../../src/network/egress/egress-log.ts";
import { MIB, makeFolder, openProxies, settings, startMachine, startUpstream } from "./proxy-harness.ts";

let scope = new Scope();

afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const FRESH = { "cache-control": "public, max-age=1000" };

/** One proxy, `up`, for a server with `listener`, and one machine. */
async function start(listener: RequestListener, more: Parameters<typeof settings>[1] = {}) {
  const upstream = await startUpstream(scope, listener);
  const proxies = await openProxies(scope, { up: settings(`${upstream.url}/base`, more) });
  const machine = await startMachine(scope, proxies);
  return { upstream, proxies, machine, at: (path: string) => `${machine.url}/up/${path}` };
}

/** What a guest sends as it is, and all that comes back until the connection ends. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.write(bytes);
  await once(socket, "close");
  return text;
}

describe("ReverseProxies", () => {
  it("passes requests below a name on, and leaves everything else to the service", async () => {
    const { upstream, machine, at } = await start((_request, response) => response.end("from the upstream"));
    expect(await (await fetch(at("a/b%2fc?q=1&r=%20"))).text()).toBe("from the upstream");
    expect(await (await fetch(`${machine.url}/up`)).text()).toBe("from the upstream");
    expect(upstream.asked).toEqual(["GET /base/a/b%2fc?q=1&r=%20", "GET /base/"]);
    for (const path of ["/", "/engine/v1/execute", "/other/x", "/upper"]) {
      expect(await (await fetch(machine.url + path)).text()).toBe("metadata");
    }
  });

  it("adds the operator's headers, whose word counts, and takes off those of the connection and of the way", async () => {
    const seen: NodeJS.Dict<string | string[]>[] = [];
    const { at } = await start(
      (request, response) => {
        seen.push(request.headers);
        response.writeHead(200, { connection: "x-secret", "x-secret": "1", "keep-alive": "timeout=9", "x-kept": "2" });
        response.end("x");
      },
      { headers: { Authorization: "Bearer operator" }, cacheBytes: 0 },
    );
    const answer = await fetch(at("x"), {
      headers: { authorization: "Bearer guest", "x-forwarded-for": "8.8.8.8", forwarded: "for=x", "x-own": "kept" },
    });
    expect(seen[0]).toMatchObject({ authorization: "Bearer operator", "x-own": "kept" });
    expect(Object.keys(seen[0] ?? {})).not.toEqual(expect.arrayContaining([expect.stringMatching(/forwarded|via/)]));
    expect(seen[0]?.["host"]).not.toContain(new URL(at("")).port);
    expect(answer.headers.get("x-kept")).toBe("2");
    expect(answer.headers.get("x-secret")).toBeNull();
    expect(answer.headers.get("keep-alive")).not.toContain("timeout=9");
  });

  it.each([
    "../x",
    "a/../../x",
    "%2e%2e/x",
    "a/%2e%2e%2fx",
    "..%2fx",
    "%252e%252e/x",
    "..;/x",
    "a\\..\\x",
    "%zz",
    "a%00/..",
  ])("does not pass on %s, which may lead out of the base", async (path) => {
    const { upstream, machine } = await start((_request, response) => response.end());
    const text = await raw(machine.port, `GET /up/${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1.1 400 .*"code":"proxy-bad-request"/s);
    expect(upstream.asked).toEqual([]);
  });

  it("passes only the methods that the operator allows", async () => {
    const listener: RequestListener = async (request, response) => {
      const digest = createHash("sha256");
      for await (const chunk of request) digest.update(chunk);
      response.end(digest.digest("hex"));
    };
    const closed = await start(listener);
    const refused = await fetch(closed.at("x"), { method: "POST", body: "x" });
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { message: expect.stringContaining("GET, HEAD") },
    ]);
    expect(closed.upstream.asked).toEqual([]);
    const open = await start(listener, { methods: ["GET", "POST"] });
    const body = randomBytes(3 * MIB);
    const answer = await fetch(open.at("x"), { method: "POST", body });
    expect(await answer.text()).toBe(createHash("sha256").update(body).digest("hex"));
    expect((await fetch(open.at("x"), { method: "HEAD" })).status).toBe(403);
  });

  it("rewrites redirects below the base, and follows others only to hosts that are listed and public", async () => {
    const inner = await startUpstream(scope, (_request, response) => response.end("private"));
    const { at } = await start(
      (request, response) => {
        const location = new URL(request.url ?? "", "http://x").searchParams.get("to") ?? "";
        response.writeHead(302, { location }).end();
      },
      { redirects: ["127.0.0.1", "localhost"] },
    );
    const ask = async (to: string) => {
      const answer = await fetch(at(`?to=${encodeURIComponent(to)}`), { redirect: "manual" });
      return [answer.status, answer.headers.get("location") ?? ((await answer.json()) as { message: string }).message];
    };
    expect(await ask("/base/new/place?x=1")).toEqual([302, "/up/new/place?x=1"]);
    expect(await ask("../base/x")).toEqual([302, "/up/x"]);
    expect(await ask("/elsewhere")).toEqual([502, expect.stringContaining("leaves the path")]);
    expect(await ask("ftp://example.org/")).toEqual([502, expect.stringContaining("no http://")]);
    expect(await ask("https://example.org/")).toEqual([502, expect.stringContaining("example.org is not among")]);
    expect(await ask(`${inner.url}/x`)).toEqual([502, expect.stringContaining("no address of the internet")]);
    expect(await ask(`http://localhost:${inner.port}/x`)).toEqual([
      502,
      expect.stringContaining("no address of the internet"),
    ]);
    expect(inner.asked).toEqual([]);
  });

  it("says in a sentence that the upstream is gone, and nothing about where it is", async () => {
    const { upstream, at } = await start((_request, response) => response.end());
    await upstream.stop();
    const answer = await fetch(at("x"));
    const body = await answer.text();
    expect([answer.status, JSON.parse(body)]).toMatchObject([502, { code: "upstream-unreachable" }]);
    expect(body).not.toContain(String(upstream.port));
  });

  it("breaks an answer off that the upstream breaks off, and keeps nothing of it", async () => {
    const { upstream, at } = await start((_request, response) => {
      response.writeHead(200, { "content-length": "1000", ...FRESH });
      response.write("half");
      setImmediate(() => response.destroy());
    });
    for (let i = 0; i < 2; i++) await expect(fetch(at("x")).then((answer) => answer.text())).rejects.toThrow();
    expect(upstream.asked).toHaveLength(2);
  });

  it("limits what one machine asks at one time", async () => {
    const held: ServerResponse[] = [];
    const { proxies, at } = await start((_request, response) => void held.push(response), { cacheBytes: 0 });
    const answers = Array.from({ length: 65 }, (_, index) => fetch(at(String(index))));
    const first = await Promise.race(answers);
    expect([first.status, first.headers.get("retry-after")]).toEqual([503, "1"]);
    const other = await startMachine(scope, proxies);
    const fromOther = fetch(`${other.url}/up/x`);
    while (held.length < 65) await new Promise((resolve) => setImmediate(resolve));
    for (const response of held) response.end();
    expect((await fromOther).status).toBe(200);
    expect((await Promise.all(answers)).filter(({ status }) => status === 200)).toHaveLength(64);
    expect(proxies.stats()).toMatchObject({ up: { requests: 66, failures: 1 } });
  });

  it("notes every request in the egress log of the machine, by the name of the proxy", async () => {
    const upstream = await startUpstream(scope, (_request, response) => response.writeHead(200, FRESH).end("body"));
    const proxies = await openProxies(scope, { up: settings(upstream.url) });
    const log = new EgressLog();
    const { url } = await startMachine(scope, proxies, log);
    await (await fetch(`${url}/up/x`)).text();
    await (await fetch(`${url}/up/x`, { method: "PUT", body: "x" })).text();
    await log.flush();
    expect(log.latest()).toMatchObject([
      { kind: "proxy", name: "/up/", decision: "allowed", reason: "miss", bytesIn: 4 },
      { kind: "proxy", name: "/up/", decision: "refused", reason: expect.stringContaining("GET, HEAD") },
    ]);
    expect(JSON.stringify(log.latest())).not.toContain(String(upstream.port));
  });

  it("waits for a guest that reads slowly instead of filling memory", async () => {
    const chunk = randomBytes(MIB);
    let sent = 0;
    const { machine } = await start(
      (_request, response) => {
        const write = () => {
          while (sent < 512 * MIB) {
            sent += chunk.length;
            if (!response.write(chunk)) return;
          }
          response.end();
        };
        response.on("drain", write);
        write();
      },
      { cacheBytes: 0 },
    );
    const socket = connect({ port: machine.port, host: "127.0.0.1" });
    socket.write("GET /up/x HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(socket, "readable");
    // Until nothing moves any more.
    for (let before = -1; before !== sent; ) {
      before = sent;
      for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeLessThan(64 * MIB);
    socket.destroy();
  });
});

describe("the cache of a proxy", () => {
  it("gives a kept answer to other machines, and to the next worker", async () => {
    const folder = await makeFolder(scope);
    const body = randomBytes(5 * MIB);
    const headers = { ...FRESH, "content-length": String(body.length) };
    const upstream = await startUpstream(scope, (_request, response) => response.writeHead(200, headers).end(body));
    {
      await using life = new Scope();
      const proxies = await openProxies(life, { up: settings(upstream.url) }, folder);
      for (const use of ["fwd=uri-miss", "hit"]) {
        const answer = await fetch(`${(await startMachine(life, proxies)).url}/up/x`);
        expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
        expect(answer.headers.get("cache-status")).toBe(`boxcar; ${use}`);
        expect(answer.headers.get("content-length")).toBe(String(body.length));
        while (proxies.stats()["up"]?.keptBytes === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(proxies.stats()["up"]).toMatchObject({
        requests: 2,
        hits: 1,
        bytesFromUpstream: body.length,
        bytesToGuests: 2 * body.length,
      });
      expect(proxies.stats()["up"]?.keptBytes).toBeGreaterThanOrEqual(body.length);
    }
    await upstream.stop();
    const machine = await startMachine(scope, await openProxies(scope, { up: settings(upstream.url) }, folder));
    const answer = await fetch(`${machine.url}/up/x`);
    expect([answer.status, answer.headers.get("cache-status")]).toEqual([200, "boxcar; hit"]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
  });

  it("asks once for what many want at once, each as fast as it reads", async () => {
    const body = randomBytes(8 * MIB);
    const { upstream, proxies, at } = await start((_request, response) => {
      response.writeHead(200, FRESH);
      response.write(body.subarray(0, MIB));
      setImmediate(() => response.end(body.subarray(MIB)));
    });
    const lazy = await fetch(at("x"));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => fetch(at("x")).then((one) => one.arrayBuffer())),
    );
    expect(answers.every((one) => Buffer.from(one).equals(body))).toBe(true);
    expect(Buffer.from(await lazy.arrayBuffer()).equals(body)).toBe(true);
    expect(upstream.asked).toHaveLength(1);
    expect(proxies.stats()["up"]).toMatchObject({ requests: 11, bytesFromUpstream: body.length });
  });

  it("lets each of those who wait for an answer that is not kept ask for itself", async () => {
    let count = 0;
    const { upstream, at } = await start((_request, response) => {
      const mine = String(count++);
      setImmediate(() => response.writeHead(200, { "cache-control": "no-store" }).end(mine));
    });
    const answers = await Promise.all(Array.from({ length: 5 }, () => fetch(at("x")).then((one) => one.text())));
    expect(answers.sort()).toEqual(["0", "1", "2", "3", "4"]);
    expect(upstream.asked).toHaveLength(5);
  });

  it("asks again when an answer is not fresh, and every time, without fetching it again", async () => {
    const { upstream, proxies, at } = await start((request, response) => {
      const headers = { etag: '"one"', "cache-control": "no-cache" };
      if (request.headers["if-none-match"] === '"one"') response.writeHead(304, headers).end();
      else response.writeHead(200, headers).end("the body");
    });
    for (let i = 0; i < 5; i++) expect(await (await fetch(at("x"))).text()).toBe("the body");
    expect(upstream.asked).toHaveLength(5);
    expect(proxies.stats()["up"]).toMatchObject({ hits: 4, bytesFromUpstream: "the body".length });
  });

  it("takes a new answer in the place of one that has changed", async () => {
    let version = 1;
    const { at } = await start((_request, response) => {
      response.writeHead(200, { etag: `"${version}"`, "cache-control": "no-cache" }).end(`version ${version}`);
    });
    expect(await (await fetch(at("x"))).text()).toBe("version 1");
    version = 2;
    expect(await (await fetch(at("x"))).text()).toBe("version 2");
    expect(await (await fetch(at("x"))).text()).toBe("version 2");
  });

  it("answers 304 to a guest that has the answer already", async () => {
    const { upstream, at } = await start((_request, response) => {
      response.writeHead(200, { ...FRESH, etag: '"one"' }).end("body");
    });
    // fetch() would add that it wants no cache.
    const ask = async (tag: string) => {
      const { statusCode, body } = await request(at("x"), { headers: { "if-none-match": tag } });
      return [statusCode, await body.text()];
    };
    expect(await ask('"one"')).toEqual([304, ""]);
    expect(await ask('"two"')).toEqual([200, "body"]);
    expect(await ask('W/"one"')).toEqual([304, ""]);
    expect(upstream.asked).toHaveLength(1);
  });

  it("uses an answer that is not fresh when the upstream is gone, unless that is forbidden", async () => {
    const old = new Date(Date.now() - 3_600_000).toUTCString();
    const { upstream, at } = await start((request, response) => {
      const strict = request.url?.includes("strict") === true ? ", must-revalidate" : "";
      const headers = { etag: '"one"', date: old, age: "3600", "cache-control": `max-age=10${strict}` };
      response.writeHead(200, headers).end(request.url);
    });
    for (const path of ["easy", "strict"]) await (await fetch(at(path))).text();
    await upstream.stop();
    const easy = await fetch(at("easy"));
    expect([easy.status, easy.headers.get("cache-status")]).toEqual([200, "boxcar; hit; detail=stale"]);
    expect(await easy.text()).toBe("/base/easy");
    expect((await fetch(at("strict"))).status).toBe(502);
  });

  it.each([
    ["another status", 404, {}],
    ["a cookie", 200, { "set-cookie": "id=1" }],
    ["no-store", 200, { "cache-control": "no-store" }],
    ["private", 200, { "cache-control": "Private" }],
    ["vary: *", 200, { vary: "*" }],
  ])("does not keep an answer with %s", async (_what, status, headers) => {
    const { upstream, at } = await start((_request, response) => {
      response.writeHead(status, { ...FRESH, ...headers }).end("x");
    });
    for (let i = 0; i < 2; i++) await (await fetch(at("x"))).text();
    expect(upstream.asked).toHaveLength(2);
  });

  it.each([
    ["authorization", { authorization: "Basic eA==" }],
    ["a cookie", { cookie: "id=1" }],
    ["a range", { range: "bytes=0-3" }],
    ["no-store", { "cache-control": "no-store" }],
  ])("neither keeps nor uses an answer to a request with %s", async (_what, headers) => {
    const { upstream, at } = await start((request, response) => {
      response.writeHead(200, FRESH).end(request.headers.authorization ?? "for everybody");
    });
    await (await fetch(at("x"), { headers })).text();
    expect(await (await fetch(at("x"))).text()).toBe("for everybody");
    await (await fetch(at("x"), { headers })).text();
    expect(upstream.asked).toHaveLength(3);
  });

  it("cannot be poisoned by what a guest says, whatever the upstream makes of it", async () => {
    const { at } = await start((request, response) => {
      // An upstream that mirrors every header, and says that nothing of it matters.
      response.writeHead(200, FRESH).end(JSON.stringify(request.headers));
    });
    const hostile = {
      "x-forwarded-host": "evil.example",
      "x-original-url": "/evil",
      "x-http-method-override": "DELETE",
      "accept-language": "evil",
      "user-agent": "evil",
      origin: "http://evil.example",
      "cache-control": "max-stale=1000000",
    };
    const first = await (await fetch(at("x"), { headers: hostile })).text();
    expect(first).not.toMatch(/evil|DELETE|max-stale/);
    expect(await (await fetch(at("x"))).text()).toBe(first);
    // What may make a difference is told apart.
    const json = await (await fetch(at("x"), { headers: { accept: "evil/x" } })).text();
    expect(json).toContain("evil/x");
    expect(await (await fetch(at("x"))).text()).toBe(first);
  });

  it("does not use answers to other headers of the operator", async () => {
    const folder = await makeFolder(scope);
    const upstream = await startUpstream(scope, (request, response) => {
      response.writeHead(200, FRESH).end(request.headers.authorization);
    });
    for (const authorization of ["one", "two", "one"]) {
      await using life = new Scope();
      const proxies = await openProxies(life, { up: settings(upstream.url, { headers: { authorization } }) }, folder);
      expect(await (await fetch(`${(await startMachine(life, proxies)).url}/up/x`)).text()).toBe(authorization);
    }
    expect(upstream.asked).toHaveLength(2);
  });

  it("takes files that somebody has damaged for answers that are not there", async () => {
    const folder = await makeFolder(scope);
    const upstream = await startUpstream(scope, (_request, response) => response.writeHead(200, FRESH).end("body"));
    const proxies = await openProxies(scope, { up: settings(upstream.url) }, folder);
    const { url } = await startMachine(scope, proxies);
    const ask = async () => [await (await fetch(`${url}/up/x`)).text(), upstream.asked.length];
    const kept = join(folder, "up", "v1");
    const firstHead = async () => {
      for (;;) {
        const name = (await readdir(kept)).find((one) => one.endsWith(".json"));
        if (name !== undefined) return join(kept, name);
      }
    };
    expect(await ask()).toEqual(["body", 1]);
    const head = await firstHead();
    const text = await readFile(head, "utf8");
    let asked = 1;
    for (const damaged of [
      "",
      "{",
      "null",
      text.replace('"v":1', '"v":9'),
      text.replace(/"id":"[^"]*"/, '"id":"../x"'),
    ]) {
      await writeFile(head, damaged);
      asked += 1;
      expect(await ask()).toEqual(["body", asked]);
      while ((await readFile(head, "utf8")) === damaged) await new Promise((resolve) => setImmediate(resolve));
      expect(await ask()).toEqual(["body", asked]);
    }
    const bodies = (await readdir(kept)).filter((name) => name.endsWith(".body"));
    await Promise.all(bodies.map((name) => truncate(join(kept, name), 1)));
    expect(await ask()).toEqual(["body", asked + 1]);
  });

  it("stays within its size, and lets go of what was used longest ago", async () => {
    const body = randomBytes(MIB);
    const folder = await makeFolder(scope);
    const upstream = await startUpstream(scope, (_request, response) => response.writeHead(200, FRESH).end(body));
    const proxies = await openProxies(scope, { up: settings(upstream.url, { cacheBytes: 8 * MIB }) }, folder);
    const { url } = await startMachine(scope, proxies);
    for (let i = 0; i < 30; i++) await (await fetch(`${url}/up/${i}`)).arrayBuffer();
    expect(proxies.stats()["up"]?.keptBytes).toBeLessThanOrEqual(8 * MIB);
    const bodies = (await readdir(join(folder, "up", "v1"))).filter((name) => name.endsWith(".body"));
    expect(bodies.length).toBeGreaterThanOrEqual(5);
    expect(bodies.length).toBeLessThanOrEqual(8);
    expect((await fetch(`${url}/up/29`)).headers.get("cache-status")).toBe("boxcar; hit");
    expect((await fetch(`${url}/up/0`)).headers.get("cache-status")).toBe("boxcar; fwd=uri-miss");
  });

  it.each(["that says how long it is", "that does not"])(
    "passes an answer on that is too large to keep, %s",
    async (how) => {
      const body = randomBytes(40 * MIB);
      const { upstream, proxies, at } = await start(
        (_request, response) => {
          const length = how.includes("says") ? { "content-length": String(body.length) } : {};
          response.writeHead(200, { ...FRESH, ...length });
          response.end(body);
        },
        { cacheBytes: 40 * MIB },
      );
      for (let i = 0; i < 2; i++) {
        const got = Buffer.from(await (await fetch(at("x"))).arrayBuffer());
        expect(got.equals(body)).toBe(true);
      }
      expect(upstream.asked).toHaveLength(2);
      expect(proxies.stats()["up"]?.keptBytes).toBe(0);
    },
  );

  it("stops fetching when nobody wants the answer any more", async () => {
    const gone = Promise.withResolvers<void>();
    const { machine } = await start((_request, response) => {
      response.writeHead(200, { ...FRESH, "content-length": String(20 * MIB) });
      response.write("x");
      response.once("close", gone.resolve);
    });
    const socket = connect({ port: machine.port, host: "127.0.0.1" });
    socket.write("GET /up/x HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(socket, "data");
    socket.resetAndDestroy();
    await gone.promise;
  });
});
