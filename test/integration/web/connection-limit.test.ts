import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HttpService } from "../../../src/web/server/service.ts";

let service: HttpService;

beforeEach(async () => {
  const connections = { max: 8, maxEach: 3, isTrusted: (address: string) => address === "127.0.0.3" };
  const upgrade = (_request: unknown, socket: { end: (text: string) => void }) =>
    socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  const handler = (_request: unknown, response: { end: (text: string) => void }) => response.end("answered");
  service = await HttpService.listen({ host: "127.0.0.1", port: 0 }, handler, upgrade, { connections });
});

afterEach(() => service[Symbol.asyncDispose]());

/** One that says nothing yet. @returns undefined: it was hung up on */
async function open(from: string): Promise<Socket | undefined> {
  const socket = connect({ host: "127.0.0.1", port: service.port ?? 0, localAddress: from });
  socket.on("error", () => {});
  await once(socket, "connect");
  // Whoever is hung up on hears it before an answer could be there.
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const first = await Promise.race([once(socket, "data").then(() => true), once(socket, "close").then(() => false)]);
  return first ? socket : undefined;
}

async function openMany(from: string, count: number): Promise<Socket[]> {
  const sockets = [];
  for (let n = 0; n < count; n++) sockets.push(await open(from));
  return sockets.filter((socket) => socket !== undefined);
}

it("one address has so many connections, and others have theirs", async () => {
  const own = await openMany("127.0.0.1", 5);
  expect(own).toHaveLength(3);
  const others = await openMany("127.0.0.2", 1);
  expect(others).toHaveLength(1);
  const closed = once(own[0] as Socket, "close");
  own[0]?.end();
  await closed;
  // The server hears of it before a later connection.
  expect(await openMany("127.0.0.1", 2)).toHaveLength(1);
  for (const socket of [...own, ...others]) socket.destroy();
});

it("what stands for many addresses has as many as there are", async () => {
  expect(await openMany("127.0.0.3", 12)).toHaveLength(8);
  expect(await openMany("127.0.0.2", 1)).toHaveLength(0);
});

it("an offer to speak another protocol than a websocket is passed over", async () => {
  const ask = async (upgrade: string) => {
    const socket = connect({ host: "127.0.0.1", port: service.port ?? 0 });
    socket.end(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${upgrade}\r\n\r\n`);
    return (await text(socket)).split("\r\n")[0];
  };
  expect(await ask("h2c")).toBe("HTTP/1.1 200 OK");
  expect(await ask("WebSocket")).toBe("HTTP/1.1 101 Switching Protocols");
});

it("a few requests may wait on a connection for their answers; more are not even begun", async () => {
  const waiting: { end: (text: string) => void }[] = [];
  const handler = (_request: unknown, response: { end: (text: string) => void }) => void waiting.push(response);
  await using own = await HttpService.listen({ host: "127.0.0.1", port: 0 }, handler);
  const ask = (count: number) => {
    const socket = connect({ host: "127.0.0.1", port: own.port ?? 0 });
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(count));
    return socket;
  };
  const few = ask(16);
  await vi.waitFor(() => expect(waiting).toHaveLength(16));
  for (const response of waiting.splice(0)) response.end("answered");
  let said = "";
  few.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  await vi.waitFor(() => expect(said.match(/answered/g)).toHaveLength(16));
  // They have been answered: as many may come again.
  few.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(16));
  await vi.waitFor(() => expect(waiting).toHaveLength(16));
  few.destroy();
  waiting.splice(0);
  const many = ask(10_000);
  await new Promise((resolve) => many.once("close", resolve));
  expect(waiting).toHaveLength(16);
});
