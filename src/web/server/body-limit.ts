/**
 * How long the body of a request may take. Node has a limit for it too, which cannot be lifted for one request; and an
 * archive takes longer than a document.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Whoever sends for longer is answered 408, and hung up on. */
export function limitBody(handler: RequestListener, timeoutMs: number): RequestListener {
  return (request, response) => {
    // A request whose pipeline fails has none any more.
    const { socket } = request;
    const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
    if (encoding !== undefined || length !== "0") {
      timers.set(request, setTimeout(() => endSlow(request, response), timeoutMs).unref());
      response.once("close", () => {
        liftBodyLimit(request);
        // Who was answered before he had sent all may send the rest to nobody, but not for ever.
        if (!request.complete && !socket.destroyed) {
          setTimeout(() => void (request.complete || socket.destroy()), timeoutMs).unref();
        }
      });
    }
    handler(request, response);
  };
}

/** Who takes the body as it comes limits it himself. */
export function liftBodyLimit(request: IncomingMessage): void {
  clearTimeout(timers.get(request));
  timers.delete(request);
}

function endSlow(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  if (!response.headersSent) response.writeHead(408, { Connection: "close", "Content-Length": "0" });
  response.end(() => request.destroy());
}
