/**
 * Websockets out of {@link SocketRoute}s: each request is known, allowed, checked, passed on or accepted, in this order.
 *
 * A client that does not answer pings is gone. *Owns* the sockets it takes over.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Principal } from "../../access/principal.ts";
import { requireOwnPage } from "../access/own-host.ts";
import { splitUrl } from "../runs/log-request.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { parseQuery, requireNames } from "./parameters.ts";
import { requirePermission } from "./permission.ts";
import type { SocketCall, SocketRoute, SocketService } from "./socket-route.ts";

// See guarded-server.ts for why it is not imported.
const { STATUS_CODES } = process.getBuiltinModule("node:http");

export interface SocketServerOptions {
  routes: readonly SocketRoute[];
  /** Who asks; undefined: nobody has logged in. @throws {ApiError} What he shows is no good. */
  authenticate: (request: IncomingMessage) => Promise<Principal | undefined>;
  /** @throws {ApiError} The request was not meant for this server, or comes from a page of another. Default: own-host. */
  checkPage?: (request: IncomingMessage) => void;
  /** Has another worker take the connection over, where that is due; resolves with whether it does. */
  passOn?: (route: SocketRoute, call: SocketCall, connection: { socket: Duplex; head: Buffer }) => Promise<boolean>;
  /** A client has come, and (when what is returned is called) is gone. */
  observe?: (route: SocketRoute) => () => void;
  /** Somebody was refused what he asked for. Default: nobody is told. */
  refused?: (
    route: SocketRoute,
    asked: { readonly principal: Principal | undefined; readonly request: IncomingMessage },
    status: number,
  ) => void;
  /** Default 30 s. A client that has not answered the one before is gone. */
  pingMs?: number;
}

interface Compiled {
  readonly route: SocketRoute;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly server: WebSocketServer;
}

type Found = Compiled & { readonly params: Record<string, string> };

const PING_MS = 30_000;

export class SocketServer implements AsyncDisposable {
  readonly #options: SocketServerOptions;
  readonly #compiled: readonly Compiled[];
  readonly #answering = new WeakSet<WebSocket>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    this.#compiled = options.routes.map(compile);
    this.#timer = setInterval(() => this.#ping(), options.pingMs ?? PING_MS).unref();
  }

  /** Takes over a connection that wants to be a websocket, whatever becomes of it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    this.#accept(request, socket, head).catch((error: unknown) => refuse(socket, error));
  }

  async #accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { authenticate, checkPage = requireOwnPage, refused } = this.#options;
    const { path, query } = splitUrl(request.url ?? "/");
    if (!this.#isForAnyPage(path)) checkPage(request);
    const found = this.#find(path);
    const principal = await authenticate(request);
    try {
      await this.#serve(found, { principal, query, request }, { socket, head });
    } catch (error) {
      refused?.(found.route, { principal, request }, toApiError(error).status);
      throw error;
    }
  }

  async #serve(
    { route, params, server }: Found,
    { principal, query, request }: Pick<SocketCall, "principal" | "request"> & { query: URLSearchParams },
    { socket, head }: { socket: Duplex; head: Buffer },
  ): Promise<void> {
    const { passOn, observe } = this.#options;
    if (route.permission !== undefined) requirePermission(principal, route.permission);
    const call: SocketCall = { principal, params, query: parseQuery(route.query, query), request };
    if (await passOn?.(route, call, { socket, head })) return;
    const opened = await route.open(call);
    const service: SocketService = typeof opened === "function" ? { serve: opened, drop: () => {} } : opened;
    let isServed = false;
    // It calls back at once, or not at all.
    server.handleUpgrade(request, socket, head, (client) => {
      this.#answering.add(client);
      client.on("pong", () => this.#answering.add(client));
      client.on("error", () => {});
      const gone = observe?.(route);
      if (gone !== undefined) client.once("close", gone);
      isServed = true;
      service.serve(client);
    });
    if (!isServed) service.drop();
  }

  #find(path: string): Found {
    for (const each of this.#compiled) {
      const match = each.pattern.exec(path);
      if (match === null) continue;
      const params = Object.fromEntries(each.names.map((name, index) => [name, decode(match[index + 1] ?? "")]));
      return { ...each, params: requireNames(params) };
    }
    throw new ApiError(404, "not-found", `there is no websocket at ${path.slice(0, 200)}`);
  }

  #isForAnyPage(path: string): boolean {
    return this.#compiled.some(({ route, pattern }) => route.isForAnyPage === true && pattern.test(path));
  }

  #ping(): void {
    for (const { server } of this.#compiled) {
      for (const client of server.clients) {
        if (!this.#answering.delete(client)) client.terminate();
        else client.ping();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const { server } of this.#compiled) {
      for (const client of server.clients) client.terminate();
      server.close();
    }
  }
}

function compile(route: SocketRoute): Compiled {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const pattern = new RegExp(`^${route.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "([^/]+)")}$`);
  const { protocols = [] } = route;
  const server = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false, maxPayload: route.maxMessageBytes },
    handleProtocols: (offered) => protocols.find((name) => offered.has(name)) ?? false,
  });
  return { route, pattern, names, server };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, "bad-request", "the address cannot be decoded");
  }
}

function refuse(socket: Duplex, error: unknown): void {
  if (socket.destroyed) return;
  const { status, code, message, headers } = toApiError(error);
  const body = JSON.stringify({ code, message });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  // A client that does not hang up would stay.
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `${lines.join("")}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
