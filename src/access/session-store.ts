/** Where sessions of browsers are kept: a port. No implementation ever sees what is in the cookie. */
import type { Role } from "./role.ts";
import type { TokenStore } from "./token-store.ts";

export interface SessionRecord {
  /** SHA-256 of the cookie's value, lower-case hex. */
  readonly hash: string;
  readonly name: string;
  readonly role: Role;
  /** Of the token it was opened with; undefined: an identity provider vouched for the person. */
  readonly tokenId: string | undefined;
  readonly created: Date;
  readonly expires: Date;
}

/**
 * Calls may overlap, also of several processes; what one has acknowledged, all see from then on.
 *
 * @throws {WorkerError} The store cannot be reached; nobody can be let in by a session then.
 */
export interface SessionStore {
  /** False: the token it comes from is no more, and so there is no session. */
  add(session: SessionRecord): Promise<boolean>;
  find(hash: string): Promise<SessionRecord | undefined>;
  /** False: there is none. */
  remove(hash: string): Promise<boolean>;
  /** Forgets those that have expired by then. */
  removeExpired(now: Date): Promise<void>;
}

/** Both, since a session ends with the token it comes from. */
export interface AccessStore extends AsyncDisposable {
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
}
