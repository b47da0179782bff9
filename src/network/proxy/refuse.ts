/** Tells a guest why it gets no answer of a server. */
import type { ServerResponse } from "node:http";
import { ProxyError } from "./proxy-error.ts";

/** After the first byte of an answer only breaking it off tells that it is not whole. */
export function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = error instanceof ProxyError ? error : undefined;
  const body = refusalBody(
    known?.code ?? "proxy-failed",
    known?.message ?? "the proxy has failed; see the worker's log",
  );
  const length = String(Buffer.byteLength(body));
  response.writeHead(known?.status ?? 502, { "content-type": "application/json", "content-length": length });
  response.end(body);
}

export function refusalBody(code: string, message: string): string {
  return `${JSON.stringify({ code, message })}\n`;
}
