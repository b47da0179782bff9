import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LOCAL } from "../../../src/access/principal.ts";
import { Scope } from "../../../src/base/scope.ts";
import { ConsoleHub } from "../../../src/hypervisor/console-hub.ts";
import type { SupervisedVm } from "../../../src/hypervisor/supervisor/supervised-vm.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { SocketServer } from "../../../src/web/api/socket-server.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { supervisorSockets } from "../../../src/web/supervisor/supervisor-sockets.ts";

const KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const MOST_WATCHERS = 32;

const scope = new Scope();
let path: string;
let hub: ConsoleHub;
/** Settles when somebody has asked for the console; the answer waits for `go`. */
let asked = Promise.withResolvers<void>();
let go: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "bx-sockets-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  path = join(folder, "control");
  hub = new ConsoleHub({ follow: () => {}, type: async () => {}, closed: new Promise(() => {}) });
  const vm = { machine: { console: hub } } as unknown as SupervisedVm;
  const authenticate = async () => {
    asked.resolve();
    await go;
    return LOCAL;
  };
  const sockets = scope.use(new SocketServer({ routes: supervisorSockets(vm), authenticate }));
  const app = createApp({ routes: [], authenticate, onFailure: () => {} });
  scope.use(await HttpService.listen({ path }, app, (...connection) => sockets.upgrade(...connection)));
});

afterAll(() => scope[Symbol.asyncDispose]());

function ask(headers: string): Socket {
  const socket = connect(path);
  socket.write(
    `GET /v1/console HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n`,
  );
  return socket;
}

it("keeps nothing for clients that do not ask for a websocket as they should", async () => {
  for (let count = 0; count <= MOST_WATCHERS; count++) expect(await text(ask(""))).toMatch(/^HTTP\/1.1 400 /);
  expect(hub.isFull).toBe(false);
});

it("keeps nothing for clients that hang up before they have one", async () => {
  for (let count = 0; count <= MOST_WATCHERS; count++) {
    asked = Promise.withResolvers();
    const answer = Promise.withResolvers<void>();
    go = answer.promise;
    const socket = ask(KEY);
    await asked.promise;
    socket.destroy();
    await once(socket, "close");
    // The server has heard of it by the time that another connection is answered.
    go = Promise.resolve();
    expect(await text(ask(""))).toMatch(/^HTTP\/1.1 400 /);
    answer.resolve();
  }
  expect(await text(ask(""))).toMatch(/^HTTP\/1.1 400 /);
  expect(hub.isFull).toBe(false);
});

it("serves the others", async () => {
  const socket = ask(KEY);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 101 /);
  socket.destroy();
});
