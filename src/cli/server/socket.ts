/** A websocket to a worker. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { WebSocket } from "ws";
import { addressOf, headersFor } from "./address.ts";
import { refusal, unreachable } from "./refusal.ts";
import { CONNECT_TIMEOUT_MS, type ServerRequest } from "./request.ts";

export interface SocketRequest extends Omit<ServerRequest, "body"> {
  protocol?: string;
  /** Most bytes of a message of the worker. */
  maxMessageBytes: number;
}

/** Longer than a worker waits for another one. */
const HANDSHAKE_TIMEOUT_MS = 6 * CONNECT_TIMEOUT_MS + 5_000;

/** Resolves when it is open, and paused until who uses it listens. @throws {WorkerError} as {@link requestJson} does. */
export async function openSocket({ server, path, signal, ...options }: SocketRequest): Promise<WebSocket> {
  const client = new WebSocket(socketAddress(server, path), options.protocol === undefined ? [] : [options.protocol], {
    ...{ headers: headersFor(server), perMessageDeflate: false, maxPayload: options.maxMessageBytes },
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  const onAbort = () => client.terminate();
  signal.addEventListener("abort", onAbort, { once: true });
  client.once("close", () => signal.removeEventListener("abort", onAbort));
  // What comes with the answer would be gone before anybody listens.
  client.once("open", () => client.pause());
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => {});
  client.once("unexpected-response", (_request, response: IncomingMessage) => {
    void json(response)
      .catch(() => undefined)
      .then((answer) => refused.reject(refusal(answer, response, server)))
      .finally(() => client.terminate());
  });
  try {
    await Promise.race([once(client, "open"), refused.promise]);
    return client;
  } catch (error) {
    client.on("error", () => {});
    client.terminate();
    signal.throwIfAborted();
    if (error instanceof Error && "blame" in error) throw error;
    throw unreachable(server, error);
  }
}

function socketAddress(server: ServerRequest["server"], path: string): string {
  if ("socketPath" in server) return `ws+unix://${server.socketPath}:${path}`;
  const url = addressOf(server.url, path);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
