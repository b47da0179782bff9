import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../src/base/ipv4.ts";
import { Scope } from "../../../src/base/scope.ts";
import { Egress } from "../../../src/network/egress/egress.ts";
import { EgressLog } from "../../../src/network/egress/egress-log.ts";
import { type Outside, OutsideError, type Target } from "../../../src/network/egress/outside.ts";
import { DEFAULT_LIMITS } from "../../../src/network/limits.ts";
import { AddressVetting } from "../../../src/network/policy/address-vetting.ts";
import type { NetworkPolicy } from "../../../src/network/policy/network-policy.ts";
import { HttpProxy, type HttpProxyOptions } from "../../../src/network/proxy/http-proxy.ts";
import { listenFor, MIB, startUpstream } from "./proxy-harness.ts";

let scope = new Scope();

afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

/** An outside in which every target is one server of this host: what is public cannot be had in a test. */
function outsideOf(port: number, targets: Target[] = []): Outside {
  return {
    open: async (target) => {
      targets.push(target);
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      await once(socket, "connect");
      return socket;
    },
  };
}

async function start(outside: Outside, more: Partial<HttpProxyOptions> = {}) {
  const proxy = scope.use(HttpProxy.open({ outside, maxConnections: 16, idleMs: 60_000, ...more }));
  const port = await listenFor(scope, proxy);
  const client = (): Socket => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    scope.defer(() => socket.destroy());
    return socket;
  };
  /** Sends bytes as they are, and resolves with all that comes back until the end. */
  const say = async (bytes: string): Promise<string> => {
    const socket = client();
    socket.write(bytes);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("end", () => socket.end());
    await once(socket, "close");
    return text;
  };
  return { proxy, client, say };
}

/** A real way outside, where nothing is reached that is not public. */
function egressOf(policy: NetworkPolicy, names: Record<string, string> = {}) {
  const log = new EgressLog();
  const egress = scope.use(
    new Egress({
      limits: DEFAULT_LIMITS,
      policy: () => policy,
      lookup: { lookup: async (name) => (names[name] === undefined ? [] : [parseIpv4Address(names[name])]) },
      vetting: new AddressVetting(),
      log,
    }),
  );
  return { egress, log };
}

const echo: RequestListener = async (request, response) => {
  const digest = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request) {
    digest.update(chunk);
    bytes += chunk.length;
  }
  const { method, url, rawHeaders } = request;
  response.writeHead(200, { "x-own": "1", connection: "x-hop", "x-hop": "1", "set-cookie": ["a=1", "b=2"] });
  response.end(JSON.stringify({ method, url, rawHeaders, bytes, digest: digest.digest("hex") }));
};

const CLOSE = "connection: close\r\n\r\n";

describe("HttpProxy, CONNECT", () => {
  it("makes a tunnel to the name and port, both ways, ends included", async () => {
    const upstream = await startUpstream(scope, echo);
    const targets: Target[] = [];
    const { client, proxy } = await start(outsideOf(upstream.port, targets));
    const socket = client();
    // What follows the request at once belongs to the tunnel.
    socket.write(
      "CONNECT Some.Example.org:443 HTTP/1.1\r\nhost: Some.Example.org:443\r\n\r\nGET /a HTTP/1.1\r\nhost: x\r\n",
    );
    const [first] = await once(socket, "data");
    expect(String(first)).toBe("HTTP/1.1 200 Connection established\r\n\r\n");
    socket.end(CLOSE);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    await once(socket, "end");
    expect(text).toMatch(/^HTTP\/1.1 200 OK.*"method":"GET","url":"\/a"/s);
    expect(targets).toEqual([{ name: "some.example.org", port: 443 }]);
    expect(proxy.stats).toEqual({ requests: 1, refused: 0, failed: 0 });
  });

  it("carries much data unchanged", async () => {
    const body = randomBytes(32 * MIB);
    const upstream = await startUpstream(scope, (_request, response) => response.end(body));
    const { client } = await start(outsideOf(upstream.port));
    const socket = client();
    socket.write("CONNECT x.example:443 HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(socket, "data");
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\n${CLOSE}`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    const all = Buffer.concat(chunks);
    expect(all.subarray(all.length - body.length).equals(body)).toBe(true);
  });

  it.each([
    ["isolated", { kind: "isolated" }, "example.org:443", "does not include it"],
    [
      "allow",
      { kind: "allow", rules: [{ name: "example.org", ports: [443] }] },
      "example.org:80",
      "does not include it",
    ],
    [
      "allow",
      { kind: "allow", rules: [{ name: "*.example.org", ports: [443] }] },
      "example.org:443",
      "does not include it",
    ],
    ["allow", { kind: "allow", rules: [{ name: "*", ports: [443] }] }, "203.0.113.9:443", "not public"],
    ["internet", { kind: "internet" }, "127.0.0.1:22", "not public"],
    ["internet", { kind: "internet" }, "169.254.169.254:80", "not public"],
    ["internet", { kind: "internet" }, "rebound.example:443", "not public"],
  ] as const)(
    "refuses under the policy %s, %o, to go to %s, says why, and notes it",
    async (_kind, policy, to, why) => {
      const { egress, log } = egressOf(policy as NetworkPolicy, { "rebound.example": "10.0.0.1" });
      const { say, proxy } = await start(egress);
      const text = await say(`CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n\r\n`);
      expect(text).toMatch(/^HTTP\/1.1 403 Forbidden\r\n.*"code":"proxy-refused"/s);
      expect(text).toContain(`${to} is refused`);
      expect(text).toContain(why);
      await log.flush();
      expect(log.latest()).toMatchObject([{ kind: "proxy", decision: "refused", port: Number(to.split(":")[1]) }]);
      expect(proxy.stats).toEqual({ requests: 1, refused: 1, failed: 0 });
    },
  );

  it("answers 502 where a name has no address, and 504 where nobody answers in time", async () => {
    const { egress } = egressOf({ kind: "internet" });
    const gone = await start(egress);
    expect(await gone.say("CONNECT nowhere.example:443 HTTP/1.1\r\nhost: x\r\n\r\n")).toMatch(
      /^HTTP\/1.1 502 Bad Gateway/,
    );
    const slow: Outside = {
      open: async () => {
        throw new OutsideError("failed", "nobody answered in time");
      },
    };
    const late = await start(slow);
    expect(await late.say("CONNECT x.example:443 HTTP/1.1\r\nhost: x\r\n\r\n")).toMatch(
      /^HTTP\/1.1 504 Gateway Timeout/,
    );
    expect(late.proxy.stats).toEqual({ requests: 1, refused: 0, failed: 1 });
  });

  it.each([
    "example.org",
    "[::1]:443",
    "example.org:0",
    "example.org:99999",
    "user@example.org:443",
    "127.1:80",
    "0x7f000001:80",
    "a..b:80",
  ])("answers 400 to CONNECT %s", async (to) => {
    const { say } = await start(egressOf({ kind: "internet" }).egress);
    expect(await say(`CONNECT ${to} HTTP/1.1\r\nhost: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 Bad Request/);
  });

  it("gives up when the guest goes before there is a connection", async () => {
    const aborted = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const never: Outside = {
      open: (_target, signal) => {
        asked.resolve();
        return new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => {
            aborted.resolve();
            reject(new OutsideError("failed", "it is not wanted any more"));
          });
        });
      },
    };
    const { client } = await start(never);
    const socket = client();
    socket.write("CONNECT x.example:443 HTTP/1.1\r\nhost: x\r\n\r\n");
    await asked.promise;
    socket.resetAndDestroy();
    await aborted.promise;
  });
});

describe("HttpProxy, whole URLs", () => {
  it("asks the server for the path, under the name of the URL, without the headers of the connection", async () => {
    const upstream = await startUpstream(scope, echo);
    const targets: Target[] = [];
    const { say } = await start(outsideOf(upstream.port, targets));
    const text = await say(
      [
        "GET http://Example.org:8080/a%2fb?q=1#f HTTP/1.1",
        "host: evil.example",
        "proxy-authorization: Basic eA==",
        "proxy-connection: keep-alive",
        "x-hop: gone",
        "x-kept: a",
        "x-kept: b",
        "connection: close, x-hop",
        "\r\n",
      ].join("\r\n"),
    );
    expect(targets).toEqual([{ name: "example.org", port: 8_080 }]);
    const seen = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
    expect(seen).toMatchObject({ method: "GET", url: "/a%2fb?q=1" });
    expect(seen.rawHeaders).toEqual(["host", "example.org:8080", "x-kept", "a", "x-kept", "b", "Connection", "close"]);
    expect(text).toMatch(/x-own: 1/);
    expect(text).toMatch(/set-cookie: a=1\r\nset-cookie: b=2/);
    expect(text).not.toContain("x-hop");
  });

  it.each(["content-length", "chunked"])("passes a body on with %s", async (how) => {
    const upstream = await startUpstream(scope, echo);
    const { client } = await start(outsideOf(upstream.port));
    const body = randomBytes(2 * MIB);
    const socket = client();
    const framing = how === "chunked" ? "transfer-encoding: chunked" : `content-length: ${body.length}`;
    socket.write(`POST http://x.example/ HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n${framing}\r\n${CLOSE}`);
    if (how === "chunked") {
      socket.write(`${body.length.toString(16)}\r\n`);
      socket.write(body);
      socket.write("\r\n0\r\n\r\n");
    } else socket.write(body);
    let text = "";
    for await (const chunk of socket) text += chunk;
    expect(text).toContain(`"bytes":${body.length},"digest":"${createHash("sha256").update(body).digest("hex")}"`);
  });

  it("serves several requests on one connection, each by a connection of its own", async () => {
    const upstream = await startUpstream(scope, echo);
    const targets: Target[] = [];
    const { say } = await start(outsideOf(upstream.port, targets));
    const text = await say(
      `GET http://a.example/1 HTTP/1.1\r\nhost: a\r\n\r\nGET http://b.example/2 HTTP/1.1\r\nhost: b\r\n${CLOSE}`,
    );
    expect(targets).toEqual([
      { name: "a.example", port: 80 },
      { name: "b.example", port: 80 },
    ]);
    expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
  });

  it.each([
    ["GET / HTTP/1.1", "whole URL"],
    ["GET https://x.example/ HTTP/1.1", "CONNECT"],
    ["GET ftp://x.example/ HTTP/1.1", "only http://"],
    ["GET http://u:p@x.example/ HTTP/1.1", "no host name"],
    ["GET http://[::1]/ HTTP/1.1", "no IPv6"],
    ["GET http:///x HTTP/1.1", "only http://"],
  ])("answers 400 to %s", async (line, why) => {
    const { say } = await start(egressOf({ kind: "internet" }).egress);
    const text = await say(`${line}\r\nhost: x\r\n${CLOSE}`);
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain(why);
  });

  it("refuses what the policy does not allow, and keeps the connection", async () => {
    const { egress, log } = egressOf({ kind: "isolated" });
    const { say } = await start(egress);
    const request = "GET http://x.example/ HTTP/1.1\r\nhost: x\r\n";
    const text = await say(`${request}\r\n${request}${CLOSE}`);
    expect(text.match(/HTTP\/1.1 403 Forbidden/g)).toHaveLength(2);
    await log.flush();
    expect(log.counts).toMatchObject({ asked: 2, refused: 2 });
  });

  it.each([
    ["both framings", "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "content-length: 4\r\ncontent-length: 5\r\n\r\nabcde"],
    ["another encoding", "transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n"],
    ["a space before the colon", "content-length : 4\r\n\r\nabcd"],
    ["a folded header", "x: a\r\n b\r\n\r\n"],
    ["a bare newline", "x: a\nconnection: close\r\n\r\n"],
    ["large headers", `x: ${"y".repeat(17_000)}\r\n\r\n`],
  ])("asks no server for a request with %s", async (_what, rest) => {
    const upstream = await startUpstream(scope, echo);
    const { say } = await start(outsideOf(upstream.port));
    const text = await say(`POST http://x.example/ HTTP/1.1\r\nhost: x\r\n${rest}`);
    expect(text).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(upstream.asked).toEqual([]);
  });

  it("answers 502 when the server breaks off, and breaks off what it has begun", async () => {
    const mute = await startUpstream(scope, (request) => request.socket.destroy());
    expect(
      await (await start(outsideOf(mute.port))).say(`GET http://x.example/ HTTP/1.1\r\nhost: x\r\n${CLOSE}`),
    ).toMatch(/^HTTP\/1.1 502 .*"upstream-unreachable"/s);
    const half = await startUpstream(scope, (request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setImmediate(() => request.socket.destroy());
    });
    const text = await (await start(outsideOf(half.port))).say(`GET http://x.example/ HTTP/1.1\r\nhost: x\r\n${CLOSE}`);
    expect(text).toMatch(/^HTTP\/1.1 200 .*half$/s);
  });

  it("answers 504 when a server does not answer in time", async () => {
    const upstream = await startUpstream(scope, () => {});
    const { say } = await start(outsideOf(upstream.port), { answerMs: 50 });
    const text = await say(`GET http://x.example/ HTTP/1.1\r\nhost: x\r\n${CLOSE}`);
    expect(text).toMatch(/^HTTP\/1.1 504 .*"upstream-timeout"/s);
  });

  it("lets go of the server when the guest goes", async () => {
    const gone = Promise.withResolvers<void>();
    const upstream = await startUpstream(scope, (_request, response) => {
      response.write("x");
      response.once("close", gone.resolve);
    });
    const { client } = await start(outsideOf(upstream.port));
    const socket = client();
    socket.write("GET http://x.example/ HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(socket, "data");
    socket.resetAndDestroy();
    await gone.promise;
  });
});

it("ends its connections, tunnels included, when it is disposed", async () => {
  const upstream = await startUpstream(scope, () => {});
  const { proxy, client } = await start(outsideOf(upstream.port));
  const [tunnel, idle] = [client(), client()];
  tunnel.write("CONNECT x.example:443 HTTP/1.1\r\nhost: x\r\n\r\n");
  await once(tunnel, "data");
  const closed = [tunnel, idle].map((socket) => new Promise((resolve) => socket.resume().once("close", resolve)));
  for (const socket of [tunnel, idle]) socket.once("end", () => socket.end());
  while (proxy.connectionCount < 2) await new Promise((resolve) => setImmediate(resolve));
  await proxy[Symbol.asyncDispose]();
  await Promise.all(closed);
});
