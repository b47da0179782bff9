/**
 * Who is let in: by a token, by the session of a browser, by an identity provider.
 *
 * *Borrows* the store and the audit log.
 */
import type { AccessSettings } from "../config/access.ts";
import { AccessError } from "./access-error.ts";
import type { Audit } from "./audit.ts";
import { LoginGuard } from "./login-guard.ts";
import type { OidcLogin } from "./oidc.ts";
import type { Principal } from "./principal.ts";
import { networkOf, RateLimit } from "./rate-limit.ts";
import { RecentSecrets } from "./recent-secrets.ts";
import type { AccessStore } from "./session-store.ts";
import { type OpenedSession, type Session, Sessions } from "./sessions.ts";
import { type TokenOwner, Tokens } from "./tokens.ts";

export interface AccessOptions {
  settings: Pick<AccessSettings, "sessions" | "rateLimits" | "oidc">;
  store: Pick<AccessStore, "tokens" | "sessions">;
  audit: Audit;
  /** How this service is reached; needed for an identity provider. */
  url: string | undefined;
  now?: () => Date;
}

export const OIDC_PATH = "/api/v1/session/oidc";

const BURST_SECONDS = 5;
/** Sessions of one token: more than any person has browsers, and few enough to be kept until they end. */
const LOGINS = { perSecond: 1 / 60, burst: 50 };

export class Access {
  /** Undefined: people log in by tokens alone. */
  readonly oidc: OidcLogin | undefined;
  readonly tokens: Tokens;
  readonly #sessions: Sessions;
  readonly #audit: Audit;
  readonly #guard: LoginGuard;
  readonly #requests: RateLimit;
  readonly #logins: RateLimit;
  readonly #goodSessions = new RecentSecrets();

  private constructor({ settings, store, audit, now }: AccessOptions, oidc: OidcLogin | undefined) {
    const { failedLoginsPerMinute, allFailedLoginsPerMinute, requestsPerSecond } = settings.rateLimits;
    const clock = now === undefined ? {} : { now };
    const nowMs = now === undefined ? {} : { nowMs: () => now().getTime() };
    this.oidc = oidc;
    this.tokens = new Tokens(store.tokens, now);
    this.#sessions = new Sessions({ store: store.sessions, durationMs: settings.sessions.durationMs, ...clock });
    this.#audit = audit;
    this.#guard = new LoginGuard({
      failuresPerMinute: failedLoginsPerMinute,
      allFailuresPerMinute: allFailedLoginsPerMinute,
      ...nowMs,
    });
    this.#requests = new RateLimit({
      perSecond: requestsPerSecond,
      burst: requestsPerSecond * BURST_SECONDS,
      ...nowMs,
    });
    this.#logins = new RateLimit({ ...LOGINS, ...nowMs });
  }

  /** @throws {@link InvalidInputError} A secret of the settings cannot be read. */
  static async open(options: AccessOptions): Promise<Access> {
    const { settings, url, now } = options;
    if (settings.oidc === undefined || url === undefined) return new Access(options, undefined);
    // It brings much that is not needed elsewhere.
    const { OidcLogin } = await import("./oidc.ts");
    const redirectUri = `${url}${OIDC_PATH}/callback`;
    const clock = now === undefined ? {} : { now };
    return new Access(options, new OidcLogin({ settings: settings.oidc, redirectUri, ...clock }));
  }

  /** @throws {AccessError} `bad-token`, `too-many-logins` */
  async byToken(token: string, address: string | undefined): Promise<TokenOwner> {
    this.#requireFewFailures(token, address);
    const owner = await this.tokens.ownerOf(token);
    if (owner === undefined) {
      this.#guard.noteFailure(address, token);
      this.#note("login", undefined, address, "refused", { method: "token" });
      throw new AccessError("bad-token", "this token is unknown, was revoked, or has expired");
    }
    this.#guard.noteSuccess(token);
    return owner;
  }

  /**
   * Undefined: it is of no session, or of one that is over.
   *
   * @param value Of the cookie.
   * @param address Undefined: who asks is no client.
   * @throws {AccessError} `too-many-requests`: values that were never good are not looked up from there any more.
   */
  async bySession(value: string, address?: string): Promise<Session | undefined> {
    if (address !== undefined && !this.#goodSessions.has(value)) this.#requireRoom(networkOf(address));
    const session = await this.#sessions.find(value);
    if (session === undefined) this.#goodSessions.delete(value);
    else this.#goodSessions.add(value);
    return session;
  }

  /** Opens a session. @throws as {@link byToken} does. */
  async logInByToken(token: string, address: string | undefined): Promise<OpenedSession> {
    const { principal, tokenId, expires } = await this.byToken(token, address);
    if (!this.#logins.tryTake(tokenId)) {
      const message = "too many sessions were opened with this token; use the ones there are, or the token itself";
      throw new AccessError("too-many-logins", message, { retryAfterMs: this.#logins.waitMs(tokenId) });
    }
    const session = await this.#sessions.open({ ...principal, tokenId, expires });
    if (session === undefined) throw new AccessError("bad-token", "this token was revoked just now");
    this.#goodSessions.add(session.value);
    this.#note("login", session.principal, address, "ok", { method: "token", token: tokenId });
    return session;
  }

  /**
   * Opens a session for who comes back from the identity provider.
   *
   * @throws {AccessError} `oidc-refused`, `oidc-no-role`, `oidc-unreachable`
   */
  async logInByOidc(
    oidc: OidcLogin,
    query: string,
    sealed: string | undefined,
    address: string | undefined,
  ): Promise<OpenedSession & { returnTo: string }> {
    try {
      const { returnTo, ...person } = await oidc.finish(query, sealed);
      const session = await this.#sessions.open(person);
      if (session === undefined) throw new Error("a session without a token was refused");
      this.#goodSessions.add(session.value);
      this.#note("login", session.principal, address, "ok", { method: "oidc" });
      return { ...session, returnTo };
    } catch (error) {
      if (error instanceof AccessError) {
        const outcome = error.code === "oidc-unreachable" ? "failed" : "refused";
        this.#note("login", undefined, address, outcome, { method: "oidc", why: error.message });
      }
      throw error;
    }
  }

  async logOut(value: string, principal: Principal, address: string | undefined): Promise<void> {
    await this.#sessions.end(value);
    this.#note("logout", principal, address, "ok");
  }

  /** @throws {AccessError} `too-many-requests` */
  requireFewRequests(principal: Principal | undefined, address: string | undefined): void {
    const key = principal === undefined ? networkOf(address) : `${principal.via} ${principal.name}`;
    if (!this.#requests.tryTake(key)) throw this.#tooMany(key);
  }

  #requireRoom(key: string): void {
    if (this.#requests.waitMs(key) > 0) throw this.#tooMany(key);
  }

  #tooMany(key: string): AccessError {
    const retryAfterMs = this.#requests.waitMs(key);
    return new AccessError("too-many-requests", "these are too many requests; send them more slowly", { retryAfterMs });
  }

  #requireFewFailures(secret: string, address: string | undefined): void {
    const retryAfterMs = this.#guard.waitMs(address, secret);
    if (retryAfterMs === 0) return;
    throw new AccessError("too-many-logins", "too many logins have failed; try again later", { retryAfterMs });
  }

  #note(
    action: string,
    principal: Principal | undefined,
    address: string | undefined,
    outcome: "ok" | "refused" | "failed",
    details: Record<string, string> = {},
  ): void {
    this.#audit.record({ action, principal, outcome, details, ...(address === undefined ? {} : { address }) });
  }
}
