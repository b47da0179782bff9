import type { RequestListener } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { GuardedServer, type GuardedServerOptions } from "../../../src/http/guarded-server.ts";

let scope = new Scope();

afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

/** A guarded server behind a real listening socket; resolves with a function that connects to it. */
async function start(options: Partial<GuardedServerOptions> = {}, handler: RequestListener = hello) {
  const server = scope.use(GuardedServer.open({ maxConnections: 8, ...options }));
  server.setHandler(handler);
  const listener = createServer({ allowHalfOpen: true }, (socket) => server.serve(socket));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  scope.defer(() => listener.close());
  const { port } = listener.address() as AddressInfo;
  const client = () => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    scope.defer(() => socket.destroy());
    return socket;
  };
  return { server, client };
}

function hello(_request: Parameters<RequestListener>[0], response: Parameters<RequestListener>[1]): void {
  response.end("hello");
}

/** Everything the server says until the connection is closed in whatever way. */
function all(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("end", () => socket.end());
  return new Promise((resolve) => socket.on("close", () => resolve(text)));
}

const GET = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

describe("GuardedServer", () => {
  it("answers requests on a connection it is given", async () => {
    const { client } = await start();
    const socket = client();
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    expect(await all(socket)).toMatch(/^HTTP\/1.1 200 .*hello$/s);
  });

  it("answers 503 without a handler", async () => {
    const { server, client } = await start();
    server.setHandler(undefined);
    const socket = client();
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    expect(await all(socket)).toMatch(/^HTTP\/1.1 503 .*"code":"Unavailable"/s);
  });

  it("closes connections on which headers do not end in time, and no others", async () => {
    const { server, client } = await start({ headersTimeoutMs: 200 });
    const [silent, slow, busy] = [client(), client(), client()];
    slow.write("GET / HTTP/1.1\r\nx: y\r\n");
    busy.write(GET);
    const answered = new Promise((resolve) => busy.once("data", resolve));
    expect(await Promise.all([all(silent), all(slow)])).toEqual(["", ""]);
    expect(String(await answered)).toMatch(/^HTTP\/1.1 200 /);
    while (server.connectionCount > 1) await new Promise((resolve) => setImmediate(resolve));
    expect(busy.closed).toBe(false);
  });

  it("lets a body take longer than headers may", async () => {
    const { client } = await start({ headersTimeoutMs: 100 }, (request, response) => {
      request.resume();
      request.on("end", () => response.end("got it all"));
    });
    const [slow, silent] = [client(), client()];
    slow.write("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nab");
    await all(silent);
    slow.write("cd");
    expect(await all(slow)).toContain("got it all");
  });

  it("closes connections on which nothing moves during a request", async () => {
    const { client } = await start({ idleTimeoutMs: 100 }, (request) => request.resume());
    const socket = client();
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab");
    expect(await all(socket)).toBe("");
  });

  it("destroys connections above the limit", async () => {
    const { server, client } = await start({ maxConnections: 2 });
    const kept = [client(), client()];
    for (const socket of kept) {
      socket.write(GET);
      await new Promise((resolve) => socket.once("data", resolve));
    }
    expect(await all(client())).toBe("");
    expect(server.connectionCount).toBe(2);
    kept[0]?.destroy();
    while (server.connectionCount > 1) await new Promise((resolve) => setImmediate(resolve));
    const next = client();
    next.write(GET);
    expect(String(await new Promise((resolve) => next.once("data", resolve)))).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each([
    ["headers above 16 KB", `GET / HTTP/1.1\r\nhost: x\r\nbig: ${"x".repeat(17_000)}\r\n\r\n`],
    ["what is not HTTP", "\u0000\u0001\u0002 nonsense\r\n\r\n"],
    ["a request to connect elsewhere", "CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n"],
  ])("closes a connection that sends %s", async (_what, bytes) => {
    const { client } = await start();
    const socket = client();
    socket.write(bytes);
    expect(await all(socket)).toBe("");
  });

  it("answers a client that has ended its side", async () => {
    const { client } = await start({}, (_request, response) => setImmediate(() => response.end("late")));
    const socket = client();
    socket.end(GET);
    expect(await all(socket)).toMatch(/late$/);
  });

  it("ignores an offer to speak another protocol", async () => {
    const { server, client } = await start();
    const offer = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n";
    const before = client();
    before.write(offer);
    expect(await all(before)).toMatch(/^HTTP\/1.1 200 .*hello$/s);
    server.setUpgradeHandler((_request, socket) => socket.end("upgraded"));
    const after = client();
    after.write(offer);
    expect(await all(after)).toMatch(/^HTTP\/1.1 200 .*hello$/s);
    const websocket = client();
    websocket.write(offer.replace("h2c", "websocket"));
    expect(await all(websocket)).toBe("upgraded");
  });

  it("ends everything when it is disposed, upgraded connections too", async () => {
    const { server, client } = await start({}, (_request, response) => response.write("never ends"));
    server.setUpgradeHandler((_request, socket) => socket.write("upgraded"));
    const [plain, upgraded] = [client(), client()];
    plain.write(GET);
    upgraded.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    await Promise.all([plain, upgraded].map((socket) => new Promise((resolve) => socket.once("data", resolve))));
    const closed = [plain, upgraded].map(all);
    await Promise.all([server[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
    await Promise.all(closed);
    expect(await all(client())).toBe("");
  });
});
