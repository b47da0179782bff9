/**
 * The built dashboard over HTTP, with answers made by hand below /api/v1: for what depends on the page alone. What a
 * page does with a worker is tested with a worker.
 */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { type WebSocket, WebSocketServer } from "ws";
import { dashboardFiles } from "../../src/web/dashboard-files.ts";

/** By path below the API, without its query; a function is asked each time. */
export type Answers = Record<string, unknown>;

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly csrf: string | undefined;
}

/** A picture or another file. */
export class File {
  readonly type: string;
  readonly content: Buffer;

  constructor(type: string, content: Buffer) {
    this.type = type;
    this.content = content;
  }
}

/** An answer that is an error. */
export class Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details: unknown;

  constructor(status: number, code: string, message: string, details?: unknown) {
    this.status = status;
    this.code = code;
    this.message = message;
    this.details = details;
  }
}

/** Sends a log from an offset on; what it returns is awaited. */
export type LogSender = (client: WebSocket, from: number) => void | Promise<void>;

export class ViewServer implements AsyncDisposable {
  readonly answers: Answers;
  /** What changes something, in its order. */
  readonly sent: Sent[] = [];
  /** By path below the API. */
  readonly logs = new Map<string, LogSender>();
  /** Other websockets, by path below the API. */
  readonly sockets = new Map<string, (client: WebSocket, query: URLSearchParams) => void>();
  /** How often each path was asked for. */
  readonly asked = new Map<string, number>();
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #followers = new Set<ServerResponse>();

  private constructor(answers: Answers) {
    this.answers = answers;
    const app = express();
    app.use("/api/v1", express.json());
    app.get("/api/v1/events", (_request, response) => this.#follow(response));
    app.all("/api/v1/{*path}", (request, response) => {
      const path = decodeURIComponent(request.path.slice("/api/v1".length));
      this.asked.set(path, (this.asked.get(path) ?? 0) + 1);
      if (request.method !== "GET") {
        this.sent.push({ method: request.method, path, body: request.body, csrf: request.get("x-boxcar-csrf") });
      }
      const known = this.answers[request.method === "GET" ? path : `${request.method} ${path}`];
      const answer = typeof known === "function" ? known(request.query, request.body) : known;
      if (answer instanceof File) response.type(answer.type).send(answer.content);
      else if (answer instanceof Refusal) {
        const { status, code, message, details } = answer;
        response.status(status).json({ code, message, details });
      } else if (answer === null) response.status(204).end();
      else if (answer === undefined)
        response.status(404).json({ code: "not-found", message: `there is nothing at ${path}` });
      else response.json(answer);
    });
    app.use(dashboardFiles());
    this.#server = createServer(app);
    this.#server.on("upgrade", (request, socket, head) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const path = decodeURIComponent(url.pathname.slice("/api/v1".length));
      const sender = this.logs.get(path);
      const other = this.sockets.get(path);
      if (other !== undefined) {
        this.#sockets.handleUpgrade(request, socket, head, (client) => other(client, url.searchParams));
      } else if (sender === undefined) socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
      else {
        this.#sockets.handleUpgrade(request, socket, head, (client) => {
          void sender(client, Number(url.searchParams.get("from") ?? 0));
        });
      }
    });
  }

  static async start(answers: Answers): Promise<ViewServer> {
    const server = new ViewServer({ ...answers });
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Who follows events. */
  get followers(): number {
    return this.#followers.size;
  }

  tell(name: string, data: object): void {
    for (const response of this.#followers) response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** As if the connection had been lost. */
  cutEvents(): void {
    for (const response of this.#followers) response.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write('event: hello\ndata: {"workerId":"host-1"}\n\n');
    this.#followers.add(response);
    response.on("close", () => this.#followers.delete(response));
  }
}

/** All of a log that has ended. */
export function wholeLog(text: string): LogSender {
  return (client, from) => {
    const bytes = Buffer.from(text);
    client.send(JSON.stringify({ offset: from }));
    client.send(bytes.subarray(from));
    client.close(1000, "the log has ended");
  };
}
