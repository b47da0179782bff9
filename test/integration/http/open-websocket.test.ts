import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { openWebSocket } from "../../../src/http/open-websocket.ts";

const server = createServer();
const sockets = new WebSocketServer({ noServer: true });
let address = "";

beforeAll(async () => {
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/silent") return;
    if (request.url === "/refused") {
      socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 7\r\nconnection: close\r\n\r\nnot you");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => client.send("the first thing it says"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  for (const client of sockets.clients) client.terminate();
  server.closeAllConnections();
  server.close();
});

function open(path: string, signal = new AbortController().signal) {
  return openWebSocket(`${address}${path}`, {
    maxMessageBytes: 1_024,
    refusalOf: async (response) => new Error(`${response.statusCode}: ${await text(response)}`),
    signal,
  });
}

it("keeps what the server says until somebody listens", async () => {
  const controller = new AbortController();
  const client = await open("/", controller.signal);
  await new Promise(setImmediate);
  const message = once(client, "message");
  client.resume();
  expect(String((await message)[0])).toBe("the first thing it says");
  const closed = once(client, "close");
  controller.abort();
  await closed;
});

it("throws what an answer says that opens none", async () => {
  await expect(open("/refused")).rejects.toThrow("403: not you");
});

it("throws the reason when it is aborted, and what is wrong with the connection", async () => {
  const controller = new AbortController();
  const arrived = once(server, "upgrade");
  const opening = open("/silent", controller.signal);
  await arrived;
  controller.abort(new Error("enough"));
  await expect(opening).rejects.toThrow("enough");
  const gone = openWebSocket("ws+unix:///no/such/socket:/", {
    maxMessageBytes: 1_024,
    refusalOf: async () => new Error("no answer"),
    signal: new AbortController().signal,
  });
  await expect(gone).rejects.toMatchObject({ code: "ENOENT" });
});
