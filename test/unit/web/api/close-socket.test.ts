import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { closeSocket } from "../../../../src/web/api/close-socket.ts";

/** What a client is told. */
async function told(reason: string): Promise<{ code: number; text: string }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  server.on("connection", (client) => {
    client.pause();
    closeSocket(client, 1_008, reason);
    // Once is enough.
    closeSocket(client, 1_011, "again");
  });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [code, text] = (await once(client, "close")) as [number, Buffer];
  server.close();
  return { code, text: text.toString() };
}

describe("the end of a websocket", () => {
  it("says why, on one line, also where the client was not read", async () => {
    await expect(told("it is over")).resolves.toEqual({ code: 1_008, text: "it is over" });
    await expect(told("first\nsecond")).resolves.toEqual({ code: 1_008, text: "first" });
  });

  it("says no more than there is room for, and no half of a character", async () => {
    for (const [text, begin] of [
      ["x".repeat(500), "x".repeat(120)],
      ["ä".repeat(100), "ä".repeat(60)],
      [`x${"ä".repeat(100)}`, `x${"ä".repeat(59)}`],
    ] as const) {
      await expect(told(text)).resolves.toEqual({ code: 1_008, text: `${begin}…` });
    }
  });
});
