/**
 * Logs over a websocket, at the addresses they have over HTTP.
 *
 *     text {"offset": N} ──▶ binary frames: the log from byte N on ──▶ close 1000: the log has ended
 *
 * Nothing is expected of the client. One that is slow is waited for, with one block of the log in memory.
 */
import type { Readable } from "node:stream";
import type { WebSocket } from "ws";
import { toApiError } from "../api/api-error.ts";
import { defineSocketRoute, type SocketRoute } from "../api/socket-route.ts";
import { findLog, LOG_PATH, LOG_QUERY, type LogLookup, type LogRequest } from "./log-request.ts";

/** A client has nothing to say. */
const MAX_MESSAGE_BYTES = 1_024;

export function logSocketRoute(lookup: LogLookup): SocketRoute {
  return defineSocketRoute({
    path: LOG_PATH,
    operation: "followLog",
    summary: "The log of a run, as it is written",
    permission: "read",
    query: LOG_QUERY,
    answeredBy: "run",
    maxMessageBytes: MAX_MESSAGE_BYTES,
    async open({ params, query }) {
      const { task = "", run = "", name = "" } = params;
      const log = await findLog(lookup, { task, run, name }, query);
      return (client) => {
        client.on("message", () => client.close(1008, "nothing is expected of you"));
        void send(log, client);
      };
    },
  });
}

async function send({ source, position, follow }: LogRequest, client: WebSocket): Promise<void> {
  let log: Readable | undefined;
  client.on("close", () => log?.destroy());
  try {
    log = source.read({ from: position, follow });
    await sendOne(client, JSON.stringify({ offset: position }));
    for await (const block of log as AsyncIterable<Buffer>) await sendOne(client, block);
    client.close(1000, "the log has ended");
  } catch (error) {
    log?.destroy();
    client.close(1011, toApiError(error).code);
  }
}

/** Resolves when the block is with the kernel, so that no more than one waits for a client. */
async function sendOne(client: WebSocket, data: string | Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.send(data, (error) => (error ? reject(error) : resolve()));
  });
}
