/** A server with access control, and nothing else behind it than one route for each permission. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import { Access } from "../../../src/access/access.ts";
import { AccessFiles } from "../../../src/access/access-files.ts";
import { AuditLog } from "../../../src/access/audit-log.ts";
import type { Principal } from "../../../src/access/principal.ts";
import { PERMISSIONS, type Role } from "../../../src/access/role.ts";
import { Scope } from "../../../src/base/scope.ts";
import type { AccessSettings } from "../../../src/config/access.ts";
import { auditRoutes } from "../../../src/web/access/audit-routes.ts";
import { auditRefusedSockets, auditRequests } from "../../../src/web/access/audited.ts";
import { Authenticator } from "../../../src/web/access/authenticate.ts";
import { hostChecks } from "../../../src/web/access/host-names.ts";
import { oidcRoutes } from "../../../src/web/access/oidc-routes.ts";
import { sessionRoutes } from "../../../src/web/access/session-routes.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { defineRoute, type Route } from "../../../src/web/api/route.ts";
import { defineSocketRoute } from "../../../src/web/api/socket-route.ts";
import { SocketServer } from "../../../src/web/api/socket-server.ts";
import { HttpService } from "../../../src/web/server/service.ts";

export interface AccessServiceOptions {
  settings?: Partial<Pick<AccessSettings, "oidc" | "rateLimits">>;
  /** Default: one that is free. */
  port?: number;
  /** Given the port it will listen on. */
  url?: (port: number) => string;
  names?: string[];
  proxies?: string[];
  /** Who everybody is, as on the control socket. */
  everybody?: Principal;
}

export const RATE_LIMITS = {
  failedLoginsPerMinute: 5,
  allFailedLoginsPerMinute: 1_000,
  requestsPerSecond: 10_000,
};

const SESSION_MS = 12 * 3_600_000;

export class AccessService implements AsyncDisposable {
  /** What time it is there; tests move it on. */
  nowMs = Date.parse("2026-01-01T10:00:00Z");
  readonly port: number;
  readonly access: Access;
  readonly audit: AuditLog;
  readonly authenticator: Authenticator;
  readonly #scope: Scope;

  private constructor(parts: Pick<AccessService, "port" | "access" | "audit" | "authenticator">, scope: Scope) {
    this.port = parts.port;
    this.access = parts.access;
    this.audit = parts.audit;
    this.authenticator = parts.authenticator;
    this.#scope = scope;
  }

  static async start(options: AccessServiceOptions = {}): Promise<AccessService> {
    await using scope = new Scope();
    const folder = await mkdtemp("/tmp/bxa-");
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const store = await AccessFiles.open(join(folder, "access"));
    const audit = scope.use(await AuditLog.open({ directory: join(folder, "audit") }));
    const port = options.port ?? (await freePort());
    const url = options.url?.(port);
    const settings = {
      sessions: { durationMs: SESSION_MS },
      oidc: undefined,
      rateLimits: RATE_LIMITS,
      ...options.settings,
    };
    let service: AccessService | undefined;
    const now = () => new Date(service?.nowMs ?? 0);
    const access = await Access.open({ settings, store, audit, url, now });
    const http = { url, names: options.names ?? [], proxies: options.proxies ?? [] };
    const authenticator = scope.use(new Authenticator({ access, everybody: options.everybody, http }));
    const { authenticate } = authenticator;
    const { checkHost, checkPage } = hostChecks(http);
    const routes = [
      ...sessionRoutes({ authenticator, version: "1.2.3", workerId: "w1", url: () => undefined }),
      ...oidcRoutes(authenticator),
      ...auditRoutes(audit),
      ...permissionRoutes(),
      endlessRoute,
    ];
    const observe = auditRequests({ audit, authenticator });
    const refused = auditRefusedSockets({ audit, authenticator });
    const sockets = scope.use(new SocketServer({ routes: [echoRoute], authenticate, checkPage, refused }));
    const app = createApp({ routes, authenticate, checkHost, observe });
    const upgrade = sockets.upgrade.bind(sockets);
    scope.use(await HttpService.listen({ host: "127.0.0.1", port }, app, upgrade));
    service = new AccessService({ port, access, audit, authenticator }, scope.move());
    return service;
  }

  async token(role: Role, options: { name?: string; expires?: Date } = {}): Promise<string> {
    return (await this.access.tokens.create({ name: role, role, ...options })).token;
  }

  async ask(path: string, options: AskOptions = {}): Promise<Answer> {
    return await ask(this.port, path, options);
  }

  async logIn(token: string): Promise<Login> {
    const { status, cookies, json } = await this.ask("/api/v1/session", { method: "POST", body: { token } });
    if (status !== 200) throw new Error(`the login was answered with ${status}`);
    return { cookie: cookies[0]?.split(";")[0] ?? "", csrf: (json as { csrf: string }).csrf };
  }

  /** Resolves with who the server says we are, or with the status of its refusal. */
  async connect(headers: Record<string, string>, query = ""): Promise<string | number> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/api/v1/test/whoami${query}`, { headers });
    const answer = Promise.withResolvers<string | number>();
    socket.on("message", (data) => answer.resolve(String(data)));
    socket.on("unexpected-response", (_request, response) => answer.resolve(response.statusCode ?? 0));
    socket.on("error", answer.reject);
    try {
      return await answer.promise;
    } finally {
      socket.terminate();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}

export interface Login {
  readonly cookie: string;
  readonly csrf: string;
}

export interface AskOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: object;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly cookies: readonly string[];
  readonly text: string;
  /** Undefined where it is none. */
  readonly json: unknown;
}

export async function ask(port: number, path: string, { method = "GET", headers, body }: AskOptions): Promise<Answer> {
  const type: Record<string, string> = method === "GET" ? {} : { "content-type": "application/json" };
  const options: RequestOptions = {
    host: "127.0.0.1",
    port,
    method,
    path,
    headers: { ...type, ...headers },
    agent: false,
  };
  const asked = request(options);
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const content = await text(response);
  const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    cookies: response.headers["set-cookie"] ?? [],
    text: content,
    json: isJson ? JSON.parse(content) : undefined,
  };
}

function permissionRoutes(): Route[] {
  return PERMISSIONS.flatMap((permission) =>
    (["GET", "POST"] as const).map((method) =>
      defineRoute()({
        ...{ method, path: `/api/v1/test/${permission}`, tag: "observation", permission },
        operation: `${method.toLowerCase()}Test`,
        summary: "What needs a permission",
        answers: { 200: { description: "Who asked." } },
        handle: ({ principal }) => principal,
      }),
    ),
  );
}

const endlessRoute = defineRoute()({
  ...{ method: "GET", path: "/api/v1/test/endless", tag: "observation", permission: "read" },
  ...{ operation: "getEndless", summary: "What does not end", answers: { 200: { description: "Nothing." } } },
  handle: ({ response }) => response.flushHeaders(),
});

const echoRoute = defineSocketRoute({
  ...{ path: "/api/v1/test/whoami", operation: "whoAmI", summary: "Says who asks", permission: "control" },
  ...{ query: {}, maxMessageBytes: 1 },
  open:
    async ({ principal }) =>
    (client) =>
      client.send(`${principal?.name} ${principal?.via}`),
});

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
