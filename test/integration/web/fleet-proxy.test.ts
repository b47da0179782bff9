import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { buffer, json } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { ApiReasonRequest } from "../../../src/generated/api.ts";
import { defineRoute, type Route } from "../../../src/web/api/route.ts";
import { defineSocketRoute, type SocketRoute } from "../../../src/web/api/socket-route.ts";
import { FLEET_HEADER } from "../../../src/web/fleet/fleet-headers.ts";
import { passRequest } from "../../../src/web/fleet/fleet-proxy.ts";
import { signStatement } from "../../../src/web/fleet/fleet-statement.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { FleetServices, type FleetServicesOptions } from "./fleet-services.ts";

const AWAY = "/api/v1/tasks/away/runs/0/thing";
const PATH = "/api/v1/tasks/{task}/runs/{run}/thing";
const FACTS = { operation: "thing", summary: "", tag: "runs", permission: "read", answeredBy: "run" } as const;
const answers = { 200: { description: "" } };

async function start(options: FleetServicesOptions): Promise<FleetServices> {
  const fleet = await FleetServices.start(options);
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return fleet;
}

/** A fleet in which `handle` answers what is asked of a run. */
async function startWith(handle: Route["handle"], limits: FleetServicesOptions["limits"] = {}): Promise<FleetServices> {
  const route: Route = { ...FACTS, method: "GET", path: PATH, query: {}, answers, handle };
  return await start({
    worker: (id) => (id === "other" ? { routes: [route] } : { routes: [refusing(route)] }),
    limits,
  });
}

function refusing(route: Route): Route {
  return { ...route, handle: () => ({ answeredBy: "asked" }) };
}

const USER = { "x-user": "jane" };

function open(port: number, path: string, options: { method?: string; headers?: Record<string, string> } = {}) {
  const { method = "GET", headers = {} } = options;
  const asked = request({ host: "127.0.0.1", port, path, method, agent: false, headers: { ...USER, ...headers } });
  asked.on("error", () => {});
  return asked;
}

async function answerOf(asked: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return response;
}

async function get(port: number, path: string, headers: Record<string, string> = {}) {
  const response = await answerOf(open(port, path, { headers }).end());
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

async function getJson(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const response = await answerOf(open(port, path, { headers }).end());
  return { status: response.statusCode, ...((await json(response)) as Record<string, unknown>) };
}

/** A listener that does as it is told with each connection, instead of a worker. */
async function strangeWorker(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

describe("a request about a run of another worker", () => {
  it("is answered by that one, for who has asked, without his secrets", async () => {
    const seen: IncomingMessage[] = [];
    const fleet = await startWith(({ principal, request: passed, params }) => {
      seen.push(passed);
      return { principal, params };
    });
    const headers = { authorization: "Bearer secret", cookie: "session=secret", range: "bytes=0-9", "x-mine": "1" };
    expect(await getJson(fleet.port, `${AWAY}?`, headers)).toEqual({
      ...{ status: 200, principal: { name: "jane", role: "operator", via: "worker" } },
      params: { task: "away", run: "0" },
    });
    expect(seen[0]?.headers).toMatchObject({ range: "bytes=0-9", "x-mine": "1" });
    expect(JSON.stringify(seen[0]?.rawHeaders)).not.toContain("secret");
    expect(seen[0]?.headers.host).toBe(`127.0.0.1:${fleet.portOf("other")}`);
  });

  it("is answered here where it is about what is here", async () => {
    const fleet = await startWith(() => ({ answeredBy: "other" }));
    expect(await getJson(fleet.portOf("other"), AWAY)).toMatchObject({ answeredBy: "other" });
    expect(await getJson(fleet.port, "/api/v1/tasks/away/runs/1/thing")).toMatchObject({ code: "run-not-found" });
  });

  it("comes with its body, and what another says of itself is believed to nobody", async () => {
    const bodies: unknown[] = [];
    const route = defineRoute<ApiReasonRequest>()({
      ...{ ...FACTS, method: "POST", path: "/api/v1/workers/{worker}/pause", answeredBy: "worker", answers },
      body: { api: "reasonRequest" },
      handle({ body, principal }) {
        bodies.push(body);
        return principal;
      },
    });
    const fleet = await start({ worker: () => ({ routes: [route] }) });
    const post = async (path: string, headers: Record<string, string> = {}) => {
      const type = { "content-type": "application/json" };
      const asked = open(fleet.port, path, { method: "POST", headers: { ...type, ...headers } });
      const response = await answerOf(asked.end(JSON.stringify({ reason: "ärger" })));
      return { status: response.statusCode, ...((await json(response)) as object) };
    };
    const path = "/api/v1/workers/other/pause";
    expect(await post(path)).toMatchObject({ status: 200, name: "jane", via: "worker" });
    expect(await post("/api/v1/workers/asked/pause")).toMatchObject({ status: 200, via: "token" });
    expect(bodies).toEqual([{ reason: "ärger" }, { reason: "ärger" }]);
    expect(await post("/api/v1/workers/none/pause")).toMatchObject({ status: 404, code: "worker-not-found" });
    const key = new Uint8Array(32);
    const claims = { principal: { name: "eve", role: "admin", via: "token" }, from: "other", to: "asked" } as const;
    const forged = await signStatement({ ...claims, key, method: "POST", path });
    expect(await post(path, { [FLEET_HEADER]: forged })).toMatchObject({
      status: 401,
      code: "fleet-statement-refused",
    });
    expect(bodies).toHaveLength(2);
  });

  it("is not passed on a second time", async () => {
    const fleet = await startWith(({ request: passed }) => ({ from: passed.headers[FLEET_HEADER] !== undefined }));
    const statement = (path: string) =>
      fleet.directory.fleetKey().then((key) => {
        const principal = { name: "jane", role: "viewer", via: "token" } as const;
        return signStatement({ key, from: "other", to: "asked", principal, method: "GET", path });
      });
    // The other worker believes that this one has it: it is not here, and that is said here.
    const headers = { [FLEET_HEADER]: await statement(AWAY) };
    expect(await getJson(fleet.port, AWAY, headers)).toMatchObject({ answeredBy: "asked" });
    // Seen by somebody on the way, who sends it again, or to something else.
    expect(await getJson(fleet.port, AWAY, headers)).toMatchObject({ status: 401 });
    const other = { [FLEET_HEADER]: await statement(AWAY) };
    expect(await getJson(fleet.port, `${AWAY}?x=1`, other)).toMatchObject({ status: 401 });
    expect(await getJson(fleet.portOf("other"), AWAY, other)).toMatchObject({ status: 421, code: "wrong-worker" });
  });

  it("is streamed: neither side is ahead of the other by more than some blocks", async () => {
    const block = randomBytes(64 * 1_024);
    let produced = 0;
    const fleet = await startWith(({ response }) => {
      const endless = new Readable({
        read() {
          produced += block.length;
          this.push(block);
        },
      });
      response.on("close", () => endless.destroy());
      endless.pipe(response);
    });
    const response = await answerOf(open(fleet.port, AWAY).end());
    await once(response, "readable");
    // Nobody reads: it stands still once what is between them is full.
    for (let before = -1; before !== produced; ) {
      before = produced;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(produced).toBeLessThan(64 * 1_024 * 1_024);
    const stillAt = produced;
    response.on("data", () => {});
    while (produced < stillAt + 10 * 1_024 * 1_024) await once(response, "data");
    response.destroy();
  });

  it("is aborted when the client hangs up", async () => {
    const gone = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const fleet = await startWith(({ response, signal }) => {
      signal.addEventListener("abort", () => gone.resolve());
      response.write("first");
      begun.resolve();
    });
    const asked = open(fleet.port, AWAY).end();
    const response = await answerOf(asked);
    await begun.promise;
    response.destroy();
    await gone.promise;
  });

  it("is aborted also when the client hangs up before there is an answer", async () => {
    const gone = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const fleet = await startWith(async ({ signal }) => {
      signal.addEventListener("abort", () => gone.resolve());
      asked.resolve();
      await gone.promise;
    });
    const client = open(fleet.port, AWAY).end();
    await asked.promise;
    client.destroy();
    await gone.promise;
  });

  it("breaks off when the other worker dies in the middle", async () => {
    const begun = Promise.withResolvers<void>();
    const fleet = await startWith(({ response }) => {
      response.set("Content-Length", "1000");
      response.write("first");
      begun.resolve();
    });
    const response = await answerOf(open(fleet.port, AWAY).end());
    await begun.promise;
    const failed = buffer(response);
    await fleet.stop("other");
    await expect(failed).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("has an answer with its type, length and ranges, and without cookies", async () => {
    const fleet = await startWith(({ response }) => {
      response.status(206).set({ "Content-Type": "image/png", ETag: '"a"', "Content-Range": "bytes 0-4/10" });
      response.set({ "Set-Cookie": "session=other", "Content-Security-Policy": "sandbox", "Content-Length": "5" });
      response.end("hello");
    });
    const { status, headers, body } = await get(fleet.port, AWAY);
    expect({ status, body: String(body) }).toEqual({ status: 206, body: "hello" });
    expect(headers).toMatchObject({
      ...{ "content-type": "image/png", etag: '"a"', "content-range": "bytes 0-4/10", "content-length": "5" },
      "content-security-policy": "sandbox",
    });
    expect(headers).not.toHaveProperty("set-cookie");
    const head = await answerOf(open(fleet.port, AWAY, { method: "HEAD" }).end());
    expect(head.headers).toMatchObject({ "content-length": "5" });
    expect(await buffer(head)).toHaveLength(0);
  });

  const TROUBLES: readonly [string, (socket: Socket) => void, number, string][] = [
    ["hangs up", (socket) => void socket.destroy(), 502, "worker-unreachable"],
    ["says nonsense", (socket) => void socket.end("SSH-2.0-nonsense\r\n"), 502, "worker-unreachable"],
    ["says nothing", () => {}, 504, "worker-timeout"],
    [
      "becomes something else",
      (socket) => {
        const lines = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
        socket.once("data", () => socket.write(lines));
      },
      ...([502, "worker-unreachable"] as const),
    ],
  ];

  it.each(TROUBLES)(
    "is refused where the other worker %s, and that worker is named",
    async (_, behave, status, code) => {
      const fleet = await startWith(() => ({}), { answerTimeoutMs: 200 });
      const url = await strangeWorker(behave);
      fleet.moveTo("other", url);
      const answer = await getJson(fleet.port, AWAY);
      expect(answer).toEqual({ status, code, message: expect.stringContaining(`the worker other`) });
      expect(answer["message"]).toContain(url);
    },
  );

  it("is refused where nobody is at the address, or another worker", async () => {
    const fleet = await startWith(() => ({}), { connectTimeoutMs: 300 });
    const [own, other] = [fleet.port, fleet.portOf("other")];
    fleet.moveTo("other", `http://127.0.0.1:${own}`);
    expect(await getJson(fleet.port, AWAY)).toMatchObject({ status: 502, code: "worker-misdirected" });
    fleet.moveTo("other", "http://127.0.0.1:1");
    expect(await getJson(fleet.port, AWAY)).toMatchObject({ status: 502, code: "worker-unreachable" });
    fleet.moveTo("other", "nonsense");
    expect(await getJson(fleet.port, AWAY)).toMatchObject({ status: 503, code: "worker-without-address" });
    fleet.moveTo("other", `http://127.0.0.1:${other}`);
    expect(await getJson(fleet.port, AWAY)).toMatchObject({ status: 200 });
  });

  it("comes whole where its body is large, and has not been read before", async () => {
    const sent = randomBytes(8 * 1_024 * 1_024);
    const received = Promise.withResolvers<Buffer>();
    const target = await service(async (passed, response) => {
      received.resolve(await buffer(passed));
      response.end("done");
    });
    const front = await service((asked, response) => {
      const url = `http://127.0.0.1:${target.port}`;
      void passRequest(asked, response, { workerId: "other", url, statement: "a statement" });
    });
    const asked = request({ host: "127.0.0.1", port: front.port, method: "POST", path: "/", agent: false });
    Readable.from([sent]).pipe(asked);
    expect(String(await buffer(await answerOf(asked)))).toBe("done");
    expect((await received.promise).equals(sent)).toBe(true);
  });
});

async function service(handle: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<HttpService> {
  const one = await HttpService.listen({ host: "127.0.0.1", port: 0 }, (...pair) => void handle(...pair));
  onTestFinished(() => one[Symbol.asyncDispose]());
  return one;
}

describe("a websocket to a run of another worker", () => {
  const socketRoute = (serve: (client: WebSocket, user: string | undefined) => void, permission = true): SocketRoute =>
    defineSocketRoute({
      ...{ path: PATH, operation: "follow", summary: "", answeredBy: "run", query: {}, protocols: ["binary"] },
      ...{ permission: permission ? ("read" as const) : undefined, maxMessageBytes: 16 * 1_024 * 1_024 },
      open:
        async ({ principal }) =>
        (client) =>
          serve(client, principal?.name),
    });

  const startSockets = (route: SocketRoute, limits: FleetServicesOptions["limits"] = {}) =>
    start({
      worker: (id) => ({
        sockets: [id === "other" ? route : { ...route, open: () => Promise.reject(new Error("here")) }],
      }),
      limits,
    });

  const connect = (port: number, headers: Record<string, string> = USER) =>
    new WebSocket(`ws://127.0.0.1:${port}${AWAY}`, ["binary"], { headers }).on("error", () => {});

  it("carries messages both ways, large ones too, and the code of its end", async () => {
    const fleet = await startSockets(
      socketRoute((client, user) => {
        client.send(`hello ${user}`);
        client.on("message", (data: Buffer) => client.send(data));
        client.on("close", (code) => ended.resolve(code));
      }),
    );
    const ended = Promise.withResolvers<number>();
    const client = connect(fleet.port);
    const messages: Buffer[] = [];
    client.on("message", (data: Buffer) => messages.push(data));
    await once(client, "message");
    expect([String(messages[0]), client.protocol]).toEqual(["hello jane", "binary"]);
    const large = randomBytes(8 * 1_024 * 1_024);
    client.send(large);
    await once(client, "message");
    expect(messages[1]?.equals(large)).toBe(true);
    client.close(4_001, "enough");
    expect(await ended.promise).toBe(4_001);
    expect((await once(client, "close"))[0]).toBe(4_001);
  });

  it("ends as the other worker ends it", async () => {
    const fleet = await startSockets(socketRoute((client) => client.close(1_011, "broken")));
    const [code, reason] = await once(connect(fleet.port), "close");
    expect([code, String(reason)]).toEqual([1_011, "broken"]);
  });

  it("breaks when either side dies", async () => {
    const clients: WebSocket[] = [];
    const arrived = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const fleet = await startSockets(
      socketRoute((client) => {
        clients.push(client);
        client.on("close", () => gone.resolve());
        if (clients.length === 2) arrived.resolve();
      }),
    );
    const [first, second] = [connect(fleet.port), connect(fleet.port)];
    await arrived.promise;
    first.terminate();
    await gone.promise;
    const broken = once(second, "close");
    for (const client of clients) client.terminate();
    expect((await broken)[0]).toBe(1_006);
  });

  it("waits for a client that does not read", async () => {
    const block = Buffer.alloc(256 * 1_024);
    let sent = 0;
    const fleet = await startSockets(
      socketRoute((client) => {
        const next = (error?: Error | null) => {
          if (error != null) return;
          sent++;
          client.send(block, next);
        };
        next();
      }),
    );
    const client = connect(fleet.port);
    await once(client, "open");
    client.pause();
    for (let before = -1; before !== sent; ) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(sent * block.length).toBeLessThan(64 * 1_024 * 1_024);
    const stillAt = sent;
    client.resume();
    while (sent < stillAt + 40) await once(client, "message");
    client.terminate();
  });

  it("is refused as the other worker refuses it", async () => {
    const route = { ...socketRoute(() => {}), open: () => Promise.reject(new TypeError("oops")) };
    const fleet = await startSockets(route);
    const client = connect(fleet.port);
    const [, response] = (await once(client, "unexpected-response")) as [ClientRequest, IncomingMessage];
    expect({ status: response.statusCode, ...((await json(response)) as object) }).toMatchObject({ status: 500 });
  });

  it("is refused where the other worker cannot be reached", async () => {
    const fleet = await startSockets(socketRoute(() => {}));
    fleet.moveTo("other", "http://127.0.0.1:1");
    const [, response] = (await once(connect(fleet.port), "unexpected-response")) as [ClientRequest, IncomingMessage];
    expect({ status: response.statusCode, ...((await json(response)) as object) }).toMatchObject({
      ...{ status: 502, code: "worker-unreachable", message: expect.stringContaining("other") },
    });
  });

  it("is passed on of who has not logged in, for the other may have made his ticket", async () => {
    const users: (string | undefined)[] = [];
    const fleet = await startSockets(
      socketRoute((client, user) => {
        users.push(user);
        client.close(1_000);
      }, false),
    );
    const [code] = await once(connect(fleet.port, {}), "close");
    expect([code, users]).toEqual([1_000, [undefined]]);
  });
});
