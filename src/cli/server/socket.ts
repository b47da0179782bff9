/** A websocket to a worker. */
import { json } from "node:stream/consumers";
import type { WebSocket } from "ws";
import { openWebSocket } from "../../http/open-websocket.ts";
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
  try {
    return await openWebSocket(socketAddress(server, path), {
      ...{ headers: headersFor(server), handshakeTimeout: HANDSHAKE_TIMEOUT_MS, signal },
      ...(options.protocol === undefined ? {} : { protocols: [options.protocol] }),
      maxMessageBytes: options.maxMessageBytes,
      refusalOf: async (response) => refusal(await json(response).catch(() => undefined), response, server),
    });
  } catch (error) {
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
