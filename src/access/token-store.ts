/** Where tokens are kept: a port. No implementation ever sees a token itself. */
import type { Role } from "./role.ts";

export interface TokenRecord {
  /** Short, public and unique: what lists and the audit log call the token. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the whole token, lower-case hex. */
  readonly hash: string;
  readonly created: Date;
  /** Undefined: never. */
  readonly expires: Date | undefined;
  /** Coarse: a few minutes may be missing. Undefined: not used yet. */
  readonly lastUsed: Date | undefined;
}

/**
 * Calls may overlap, also of several processes; what one has acknowledged, all see from then on.
 *
 * @throws {WorkerError} The store cannot be reached; nobody can be let in by a token then.
 */
export interface TokenStore {
  /** @throws {WorkerError} `token-exists`: there is one of that id. */
  add(token: TokenRecord): Promise<void>;
  find(id: string): Promise<TokenRecord | undefined>;
  /** Also those that have expired; the oldest first. */
  list(): Promise<TokenRecord[]>;
  /** Ends the sessions that came from it as well; false: there is none. */
  remove(id: string): Promise<boolean>;
  /** Notes when it was used; nothing happens if there is none any more. */
  touch(id: string, at: Date): Promise<void>;
}
