/** A websocket as a client opens it. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type ClientOptions, WebSocket } from "ws";

export interface OpenWebSocketOptions extends Pick<ClientOptions, "headers" | "handshakeTimeout"> {
  protocols?: readonly string[];
  /** Most bytes of a message of the server. */
  maxMessageBytes: number;
  /** What an answer says that opens none; it must read it. */
  refusalOf: (response: IncomingMessage) => Promise<Error>;
  /** Ends it, also when it is open. */
  signal: AbortSignal;
}

/**
 * Resolves when it is open, and paused until who uses it listens.
 *
 * @throws what `refusalOf` resolves with; `signal.reason`; what is wrong with the connection.
 */
export async function openWebSocket(
  address: string,
  { protocols = [], maxMessageBytes, refusalOf, signal, ...options }: OpenWebSocketOptions,
): Promise<WebSocket> {
  const client = new WebSocket(address, [...protocols], {
    ...options,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  const onAbort = () => client.terminate();
  signal.addEventListener("abort", onAbort, { once: true });
  client.once("close", () => signal.removeEventListener("abort", onAbort));
  // What comes with the answer would be gone before anybody listens.
  client.once("open", () => client.pause());
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => {});
  client.once("unexpected-response", (_request, response: IncomingMessage) => {
    void refusalOf(response)
      .then(refused.reject, refused.reject)
      .finally(() => client.terminate());
  });
  try {
    await Promise.race([once(client, "open"), refused.promise]);
    return client;
  } catch (error) {
    client.on("error", () => {});
    client.terminate();
    signal.throwIfAborted();
    throw error;
  }
}
