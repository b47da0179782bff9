/**
 * An HTTP server for clients that may be hostile. It listens nowhere: whoever
 * accepts a connection gives it to {@link GuardedServer.serve}.
 *
 * *Owns* the connections it serves, until an upgrade or CONNECT hands one over;
 * disposal destroys them all, those too.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { codeOf } from "../base/errors.ts";

// An import would read every property of the module, and one of them loads a whole HTTP client: ten times as slow.
const { createServer } = process.getBuiltinModule("node:http");

const HEADERS_TIMEOUT_MS = 5_000;
const CHECK_INTERVAL_MS = 1_000;
const MAX_HEADER_BYTES = 16 * 1_024;
/** An agent keeps its connection, and may have nothing to say for long. */
const KEEP_ALIVE_TIMEOUT_MS = 30 * 60_000;
/** A log is one long request, and a task may be silent for hours. */
const IDLE_TIMEOUT_MS = 24 * 60 * 60_000;

export interface GuardedServerOptions {
  /** Connections above this are destroyed at once. */
  maxConnections: number;
  /** From the first byte of a request to the end of its headers; default 5 s. */
  headersTimeoutMs?: number;
  /** Without a byte in either direction during a request; default 24 h. */
  idleTimeoutMs?: number;
  /** Between two requests; default 30 min. */
  keepAliveTimeoutMs?: number;
  /** Whether what is no request is answered, with 400 or the like, before its connection is closed; default no. */
  answersBadRequests?: boolean;
}

/** As the `upgrade` event of `http.Server`; owns the socket. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export class GuardedServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #maxConnections: number;
  readonly #connections = new Set<Duplex>();
  #handler: RequestListener | undefined;
  #upgradeHandler: UpgradeListener | undefined;
  #connectHandler: UpgradeListener | undefined;
  #disposed = false;

  private constructor(options: GuardedServerOptions) {
    this.#maxConnections = options.maxConnections;
    this.#server = createServer({
      headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      // The whole of a request may take as long as a task: what is limited is silence.
      requestTimeout: 0,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Any other protocol that a client offers to speak is an offer that may be ignored (RFC 9110, 7.8).
      shouldUpgradeCallback: (request) =>
        this.#upgradeHandler !== undefined && request.headers.upgrade?.toLowerCase() === "websocket",
    });
    this.#server.timeout = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
    // A client that has said everything may end its side and still wants the answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server.on("request", (request, response) => (this.#handler ?? answerUnavailable)(request, response));
    this.#server.on("upgrade", (...taken) => handOver(this.#upgradeHandler, ...taken));
    this.#server.on("connect", (...taken) => handOver(this.#connectHandler, ...taken));
    this.#server.on("clientError", (error, socket) => {
      if (options.answersBadRequests === true) answerBadRequest(error, socket);
      else socket.destroy();
    });
    // The time-outs are enforced only by a server that believes it is listening.
    this.#server.emit("listening");
  }

  static open(options: GuardedServerOptions): GuardedServer {
    return new GuardedServer(options);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Answers the requests on `connection`, which may be any stream that allows half-open; takes ownership of it. */
  serve(connection: Duplex): void {
    if (this.#disposed || this.#connections.size >= this.#maxConnections) {
      connection.on("error", () => {});
      connection.destroy();
      return;
    }
    this.#connections.add(connection);
    connection.once("close", () => this.#connections.delete(connection));
    this.#server.emit("connection", connection);
  }

  /** Who answers from now on; without a handler requests get 503. */
  setHandler(handler: RequestListener | undefined): void {
    this.#handler = handler;
  }

  /** Who takes over websocket connections; without a handler they are answered as plain requests. */
  setUpgradeHandler(handler: UpgradeListener | undefined): void {
    this.#upgradeHandler = handler;
  }

  /** Who takes over connections that ask for CONNECT; without a handler they are destroyed. */
  setConnectHandler(handler: UpgradeListener | undefined): void {
    this.#connectHandler = handler;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    // Its callback would say that it was never listening; what counts is that its timer stops.
    this.#server.close(() => {});
    for (const connection of this.#connections) connection.destroy();
  }
}

function handOver(handler: UpgradeListener | undefined, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // The HTTP server has taken its own listeners away, and with them the one for errors.
  socket.on("error", () => {});
  if (handler === undefined) socket.destroy();
  else handler(request, socket, head);
}

const BAD_REQUESTS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

function answerBadRequest(error: Error, socket: Duplex): void {
  const busy = "_httpMessage" in socket && socket._httpMessage != null;
  // After the first byte of an answer nothing else may be said.
  if (busy || !socket.writable || socket.writableEnded || codeOf(error) === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = BAD_REQUESTS[codeOf(error) ?? ""] ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`, () => socket.destroy());
}

function answerUnavailable(_request: IncomingMessage, response: ServerResponse): void {
  const body = JSON.stringify({ code: "Unavailable", message: "there is nothing here for this machine yet" });
  const length = Buffer.byteLength(body);
  response.writeHead(503, { "content-type": "application/json", "content-length": String(length), "retry-after": "1" });
  response.end(body);
}
