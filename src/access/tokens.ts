/**
 * Tokens: made, listed, revoked, and asked whose they are.
 *
 * *Borrows* the store.
 */
import { InvalidInputError } from "../base/errors.ts";
import type { Principal } from "./principal.ts";
import type { Role } from "./role.ts";
import { hashOf, isSame } from "./secrets.ts";
import { idOfToken, isTokenName, mintToken } from "./token.ts";
import type { TokenRecord, TokenStore } from "./token-store.ts";

/** What can be shown of a token. */
export type TokenInfo = Omit<TokenRecord, "hash">;

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  readonly expires?: Date | undefined;
}

export interface TokenOwner {
  readonly principal: Principal;
  readonly tokenId: string;
  readonly expires: Date | undefined;
}

/** `lastUsed` may lag by that; a token in use would be written at each request otherwise. */
const TOUCH_MS = 5 * 60_000;

/** The hash of nothing anybody has. */
const NO_HASH = hashOf("");

export class Tokens {
  readonly #store: TokenStore;
  readonly #now: () => Date;
  /** Id → when it was noted last, of those that are good. */
  readonly #touched = new Map<string, number>();

  constructor(store: TokenStore, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#now = now;
  }

  /** The token itself is in the answer, and nowhere else afterwards. @throws {@link InvalidInputError} */
  async create({ name, role, expires }: NewToken): Promise<{ token: string; info: TokenInfo }> {
    const created = this.#now();
    if (!isTokenName(name)) {
      throw invalid(
        "name",
        "must be 1 to 64 letters, digits, dots, - or _, begin with a letter or a digit, and not be local, host, nobody or sockets.json, which others are called",
      );
    }
    if (expires !== undefined && expires <= created) throw invalid("expires", "is over already");
    const { id, token } = mintToken();
    const info: TokenInfo = { id, name, role, created, expires, lastUsed: undefined };
    await this.#store.add({ ...info, hash: hashOf(token) });
    return { token, info };
  }

  async list(): Promise<TokenInfo[]> {
    return (await this.#store.list()).map(({ hash: _hash, ...info }) => info);
  }

  /** Its sessions end too; false: there is none. */
  async revoke(id: string): Promise<boolean> {
    this.#touched.delete(id);
    return await this.#store.remove(id);
  }

  /** Undefined: it is none, is revoked, or has expired. The same is done to find that out in each of these cases. */
  async ownerOf(token: string): Promise<TokenOwner | undefined> {
    const id = idOfToken(token);
    if (id === undefined) return undefined;
    const record = await this.#store.find(id);
    const isRight = isSame(hashOf(token), record?.hash ?? NO_HASH);
    if (record === undefined || !isRight || this.#isOver(record)) return undefined;
    this.#touch(record);
    const { name, role, expires } = record;
    return { principal: { name, role, via: "token" }, tokenId: id, expires };
  }

  #isOver({ expires }: TokenRecord): boolean {
    return expires !== undefined && expires <= this.#now();
  }

  /** Nobody waits for it, and nobody is kept out if it cannot be noted. */
  #touch({ id, lastUsed }: TokenRecord): void {
    const now = this.#now();
    const before = Math.max(lastUsed?.getTime() ?? 0, this.#touched.get(id) ?? 0);
    if (now.getTime() - before < TOUCH_MS) return;
    this.#touched.set(id, now.getTime());
    this.#store.touch(id, now).catch(() => this.#touched.delete(id));
  }
}

function invalid(path: string, message: string): InvalidInputError {
  return new InvalidInputError("The token", [{ path, message }], "task");
}
