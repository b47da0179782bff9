/**
 * Sessions of browsers.
 *
 *     opened ──▶ over: logged out, its time is up, or its token was revoked
 *
 * What a browser holds is 256 random bits in a cookie that no script can read. The value against forged requests is
 * derived from these bits, so that it needs no key that all workers of a fleet would have to share, and tells nothing
 * of them. *Borrows* the store.
 */
import type { Principal } from "./principal.ts";
import type { Role } from "./role.ts";
import { derive, hashOf, isSame, randomSecret } from "./secrets.ts";
import type { SessionRecord, SessionStore } from "./session-store.ts";

export interface SessionOwner {
  readonly name: string;
  readonly role: Role;
  readonly tokenId?: string | undefined;
  /** The session ends then, if it has not before. */
  readonly expires?: Date | undefined;
}

export interface Session {
  readonly principal: Principal;
  readonly expires: Date;
  /** What requests must have in X-Boxcar-CSRF that change something. */
  readonly csrf: string;
}

export interface OpenedSession extends Session {
  /** For the cookie. */
  readonly value: string;
  /** From now until its end. */
  readonly lifetimeMs: number;
}

export interface SessionsOptions {
  store: SessionStore;
  /** A session ends after that, whatever is done with it. */
  durationMs: number;
  now?: () => Date;
}

const VALUE = /^[A-Za-z0-9_-]{43}$/;
const SWEEP_MS = 10 * 60_000;

export class Sessions {
  readonly #store: SessionStore;
  readonly #durationMs: number;
  readonly #now: () => Date;
  #sweptMs = 0;

  constructor({ store, durationMs, now = () => new Date() }: SessionsOptions) {
    this.#store = store;
    this.#durationMs = durationMs;
    this.#now = now;
  }

  /** Undefined: the token it would come from has been revoked meanwhile. */
  async open({ name, role, tokenId, expires: latest }: SessionOwner): Promise<OpenedSession | undefined> {
    const created = this.#now();
    const endMs = Math.min(created.getTime() + this.#durationMs, latest?.getTime() ?? Number.POSITIVE_INFINITY);
    const value = randomSecret();
    const record = { hash: hashOf(value), name, role, tokenId, created, expires: new Date(endMs) };
    await this.#sweep(created);
    if (!(await this.#store.add(record))) return undefined;
    return { ...sessionOf(record, value), value, lifetimeMs: endMs - created.getTime() };
  }

  /** Undefined: there is none, or it is over. Who tries values learns nothing: he cannot choose their hashes. */
  async find(value: string): Promise<Session | undefined> {
    if (!VALUE.test(value)) return undefined;
    const record = await this.#store.find(hashOf(value));
    return record === undefined || record.expires <= this.#now() ? undefined : sessionOf(record, value);
  }

  async end(value: string): Promise<void> {
    await this.#store.remove(hashOf(value));
  }

  async #sweep(now: Date): Promise<void> {
    if (now.getTime() - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = now.getTime();
    await this.#store.removeExpired(now);
  }
}

function sessionOf({ name, role, expires }: SessionRecord, value: string): Session {
  return { principal: { name, role, via: "session" }, expires, csrf: derive(value, "boxcar csrf") };
}

export function isRightCsrf(session: Pick<Session, "csrf">, given: string | undefined): boolean {
  return given !== undefined && isSame(session.csrf, given);
}
