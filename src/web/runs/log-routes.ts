/**
 * Logs over HTTP: `GET …/<task>/runs/<run>/logs/<name>?from=OFFSET&follow=1`, as plain text.
 *
 * What a log holds is the guest's doing: a browser is told to show it as text, whatever it looks like.
 */
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import type { Request, Response } from "express";
import { defineRoute, type Route } from "../api/route.ts";
import { findLog, LOG_PATH, LOG_QUERY, type LogLookup, type LogRequest } from "./log-request.ts";

/** How soon it is noticed that a client is gone without a word. */
const KEEP_ALIVE_MS = 30_000;

export function logRoutes(lookup: LogLookup): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: LOG_PATH,
      operation: "getLog",
      summary: "The log of a run, also while it is written",
      tag: "runs",
      permission: "read",
      query: LOG_QUERY,
      answeredBy: "run",
      answers: { 200: { description: "The bytes from `from` on.", contentType: "text/plain" } },
      handle: async ({ params, query, request, response }) =>
        void (await answer(await findLog(lookup, params, query), request, response)),
    }),
  ];
}

async function answer(log: LogRequest, request: Request, response: Response): Promise<void> {
  const { source, position, follow } = log;
  const packed = packedOf(log, request);
  const open = follow && !source.ended;
  const sizeBytes = source.sizeBytes - position;
  const begin = () => {
    response.status(200).set({
      "Content-Type": "text/plain; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
      "Content-Security-Policy": "sandbox",
      "X-Boxcar-Log-Offset": String(position),
      "Cache-Control": "no-store",
      Vary: "Accept-Encoding",
      // Some proxies collect an answer before they pass it on.
      "X-Accel-Buffering": "no",
    });
    if (packed !== undefined) response.set("Content-Encoding", packed);
    else if (!open) response.set("Content-Length", String(sizeBytes));
  };
  if (request.method === "HEAD") {
    begin();
    response.end();
    return;
  }
  const body = (packed === undefined ? undefined : source.readPacked?.()) ?? source.read({ from: position, follow });
  request.socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // A file that cannot be read is answered as a failure; who follows wants to know at once that he does.
  if (!open) await once(body, "readable");
  begin();
  response.flushHeaders();
  try {
    await pipeline(body, response);
  } catch (error) {
    // A client that has hung up is nobody to tell.
    if (!request.socket.destroyed) throw error;
  }
}

/** The encoding of a packed log that the client takes as it is. */
function packedOf({ source, position }: LogRequest, request: Request): string | undefined {
  const { contentEncoding } = source;
  if (contentEncoding === undefined || source.readPacked === undefined || position > 0) return undefined;
  return request.acceptsEncodings(contentEncoding) === contentEncoding ? contentEncoding : undefined;
}
