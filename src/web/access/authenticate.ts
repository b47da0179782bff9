/**
 * Request → who asks, for HTTP and for websockets.
 *
 * A token in `Authorization` says it, or else the cookie of a session. Browsers send cookies whoever made them ask: what
 * changes something must then come with the session's own value in `X-Boxcar-CSRF`, which pages of others cannot read,
 * and must not say that it comes from one of these.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "../../access/access.ts";
import { AccessError } from "../../access/access-error.ts";
import type { Principal } from "../../access/principal.ts";
import { isRightCsrf, type Session } from "../../access/sessions.ts";
import { ApiError } from "../api/api-error.ts";
import { OpenConnections } from "../server/open-connections.ts";
import { addressReader } from "./client-address.ts";
import { buildCookie, type CookieName, readCookie } from "./cookies.ts";
import { requireSameOrigin } from "./own-page.ts";

export interface AuthenticatorOptions {
  /** Undefined: nobody has to log in anywhere. */
  access: Access | undefined;
  /** Who everybody is that gets here, such as LOCAL on the control socket; undefined: they have to log in. */
  everybody: Principal | undefined;
  http: { readonly url: string | undefined; readonly proxies: readonly string[] };
}

const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(["GET", "HEAD", "OPTIONS"]);
export const CSRF_HEADER = "x-boxcar-csrf";

/** For {@link RouteParts} and {@link SocketServerOptions}. *Owns* what looks after connections that stay open. */
export class Authenticator implements Disposable {
  readonly access: Access | undefined;
  readonly #everybody: Principal | undefined;
  readonly #url: URL | undefined;
  readonly #addressOf: (request: IncomingMessage) => string | undefined;
  readonly #sessions = new WeakMap<IncomingMessage, Session>();
  readonly #principals = new WeakMap<IncomingMessage, Principal>();
  /** Those of people who have logged in. */
  readonly connections = new OpenConnections(async ({ kind, secret }) => {
    if (kind === "token") return (await this.access?.tokens.ownerOf(secret)) !== undefined;
    return (await this.access?.bySession(secret)) !== undefined;
  });

  constructor({ access, everybody, http }: AuthenticatorOptions) {
    this.access = access;
    this.#everybody = everybody;
    this.#url = http.url === undefined ? undefined : new URL(http.url);
    this.#addressOf = addressReader(http.proxies);
  }

  /** Undefined: nobody has logged in. @throws {ApiError} What he shows is no good, or he asks too often. */
  readonly authenticate = async (request: IncomingMessage): Promise<Principal | undefined> => {
    if (!SAFE_METHODS.has(request.method)) requireSameOrigin(request);
    try {
      const principal = this.#everybody ?? (await this.#identify(request));
      if (principal !== undefined) this.#principals.set(request, principal);
      return principal;
    } catch (error) {
      throw toApiError(error);
    }
  };

  async #identify(request: IncomingMessage): Promise<Principal | undefined> {
    const { access } = this;
    if (access === undefined) return undefined;
    const principal = await this.#show(access, request);
    access.requireFewRequests(principal, this.addressOf(request));
    return principal;
  }

  async #show(access: Access, request: IncomingMessage): Promise<Principal | undefined> {
    const address = this.addressOf(request);
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const token = bearerOf(authorization);
      const { principal } = await access.byToken(token, address);
      this.connections.note(request.socket, { kind: "token", secret: token }, answerOf(request));
      return principal;
    }
    const value = this.cookieOf(request, "session");
    const session = value === undefined ? undefined : await access.bySession(value, address);
    if (value === undefined || session === undefined) return undefined;
    this.connections.note(request.socket, { kind: "session", secret: value }, answerOf(request));
    if (!SAFE_METHODS.has(request.method)) requireCsrf(session, request);
    this.#sessions.set(request, session);
    return session.principal;
  }

  [Symbol.dispose](): void {
    this.connections[Symbol.dispose]();
  }

  /** Whom {@link authenticate} has found. */
  principalOf(request: IncomingMessage): Principal | undefined {
    return this.#principals.get(request);
  }

  /** The session that {@link authenticate} has found; undefined: he came in by something else. */
  sessionOf(request: IncomingMessage): Session | undefined {
    return this.#sessions.get(request);
  }

  addressOf(request: IncomingMessage): string | undefined {
    return this.#addressOf(request);
  }

  cookieOf(request: IncomingMessage, name: CookieName): string | undefined {
    return readCookie(request.headers.cookie, name, this.#isSecure(request));
  }

  /** Value of `Set-Cookie`. */
  cookieFor(request: IncomingMessage, name: CookieName, value: string, maxAgeMs: number): string {
    return buildCookie(name, value, this.#isSecure(request), maxAgeMs);
  }

  /** Whether the browser is on HTTPS, be it with a proxy that the URL of the configuration names. */
  #isSecure({ socket, headers }: IncomingMessage): boolean {
    if ("encrypted" in socket && socket.encrypted === true) return true;
    return this.#url?.protocol === "https:" && headers.host?.toLowerCase() === this.#url.host;
  }
}

const STATUS: Readonly<Record<AccessError["code"], number>> = {
  "bad-token": 401,
  "too-many-logins": 429,
  "too-many-requests": 429,
  "oidc-refused": 403,
  "oidc-no-role": 403,
  "oidc-unreachable": 503,
  "bad-return": 400,
};

/** What it means to a client; other errors stay what they are. */
export function toApiError(error: unknown): unknown {
  if (!(error instanceof AccessError)) return error;
  const { code, message, retryAfterMs } = error;
  const retryAfter = retryAfterMs === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterMs / 1_000)) };
  const challenge = code === "bad-token" ? { "WWW-Authenticate": 'Bearer error="invalid_token"' } : {};
  return new ApiError(STATUS[code], code, message, undefined, { ...retryAfter, ...challenge });
}

/** Undefined where the connection becomes a websocket. */
function answerOf(request: IncomingMessage & { res?: ServerResponse }): ServerResponse | undefined {
  return request.res;
}

function bearerOf(authorization: string): string {
  const [, token] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (token !== undefined) return token;
  const message = "Authorization must be: Bearer TOKEN";
  throw new ApiError(401, "bad-token", message, undefined, { "WWW-Authenticate": "Bearer" });
}

function requireCsrf(session: Session, { headers }: IncomingMessage): void {
  const given = headers[CSRF_HEADER];
  if (isRightCsrf(session, typeof given === "string" ? given : undefined)) return;
  const message = "the header X-Boxcar-CSRF must have the value csrf of GET /api/v1/session";
  throw new ApiError(403, "wrong-csrf", message);
}
