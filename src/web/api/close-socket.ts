/** Ends a websocket for good. */
import type { WebSocket } from "ws";

/** Longer ones are not allowed. */
const MAX_REASON_BYTES = 123;
/** For the client to answer. */
const CLOSE_MS = 5_000;

/** Says why; a client that does not answer is hung up on. One that is closing goes on with that. */
export function closeSocket(client: WebSocket, code: number, reason: string): void {
  if (client.readyState === client.CLOSED) return;
  if (client.readyState === client.OPEN) {
    // One that is not read cannot be heard to answer.
    client.resume();
    client.close(code, cut(reason.split("\n")[0] ?? "", MAX_REASON_BYTES));
  }
  const timer = setTimeout(() => client.terminate(), CLOSE_MS).unref();
  client.once("close", () => clearTimeout(timer));
}

function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const begin = Buffer.from(text)
    .subarray(0, maxBytes - 3)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
  return `${begin}…`;
}
