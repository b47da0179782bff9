/**
 * Logs over a websocket, at the addresses they have over HTTP.
 *
 *     text {"offset": N} ──▶ binary frames: the log from byte N on ──▶ close 1000: the log has ended
 *
 * Nothing is expected of the client. One that is slow is waited for, with one block of the log in memory; one that does
 * not answer pings is gone. *Owns* the sockets it takes over.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { toApiError } from "./api-error.ts";
import { findLog, type LogLookup, type LogRequest, partsOfPath, splitUrl } from "./log-request.ts";
import { checkOwnPage } from "./own-host.ts";

// See guarded-server.ts for why it is not imported.
const { STATUS_CODES } = process.getBuiltinModule("node:http");

export interface LogSocket extends AsyncDisposable {
  /** Takes over a connection that asks for a log; false: it is about something else, and the caller's. */
  tryUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

export interface LogSocketOptions {
  /** Default 30 s. A client that has not answered the one before is gone. */
  pingMs?: number;
}

const PING_MS = 30_000;
/** A client has nothing to say. */
const MAX_MESSAGE_BYTES = 1_024;

export function createLogSocket(lookup: LogLookup, { pingMs = PING_MS }: LogSocketOptions = {}): LogSocket {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  const answering = new WeakSet<WebSocket>();
  const timer = setInterval(() => {
    for (const client of server.clients) {
      if (!answering.delete(client)) client.terminate();
      else client.ping();
    }
  }, pingMs).unref();

  const accept = (log: LogRequest, request: IncomingMessage, socket: Duplex, head: Buffer) => {
    server.handleUpgrade(request, socket, head, (client) => {
      answering.add(client);
      client.on("pong", () => answering.add(client));
      client.on("error", () => {});
      client.on("message", () => client.close(1008, "nothing is expected of you"));
      void send(log, client);
    });
  };

  return {
    tryUpgrade(request, socket, head) {
      const { path, query } = splitUrl(request.url ?? "/");
      const parts = partsOfPath(path);
      if (parts === undefined) return false;
      socket.on("error", () => {});
      Promise.try(() => checkOwnPage(request))
        .then(() => findLog(lookup, parts, query))
        .then((log) => accept(log, request, socket, head))
        .catch((error: unknown) => refuse(socket, error));
      return true;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
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

function refuse(socket: Duplex, error: unknown): void {
  const { status, code, message } = toApiError(error);
  const body = JSON.stringify({ code, message });
  // A client that does not hang up would stay.
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
