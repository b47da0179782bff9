/** Tokens and sessions in the queue's database, so that all workers of a fleet know them. *Borrows* the database. */
import { type Role, tryParseRole } from "../../access/role.ts";
import type { SessionRecord, SessionStore } from "../../access/session-store.ts";
import type { TokenRecord, TokenStore } from "../../access/token-store.ts";
import { QueueError } from "../errors.ts";
import type { Database } from "./database.ts";

interface TokenRow {
  id: string;
  name: string;
  role: string;
  hash: string;
  created: Date;
  expires: Date | null;
  last_used: Date | null;
}

const TOKEN_COLUMNS = "id, name, role, hash, created, expires, last_used";

export class TokenRows implements TokenStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add({ id, name, role, hash, created, expires, lastUsed }: TokenRecord): Promise<void> {
    const added = await this.#database.run({
      text: `INSERT INTO boxcar.token (${TOKEN_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO NOTHING RETURNING id`,
      values: [id, name, role, hash, created, expires ?? null, lastUsed ?? null],
    });
    if (added.length === 0) {
      throw new QueueError("token-exists", `there is a token ${id} already`, { blame: "task" });
    }
  }

  async find(id: string): Promise<TokenRecord | undefined> {
    const [row] = await this.#database.run<TokenRow>({
      name: "token-find",
      text: `SELECT ${TOKEN_COLUMNS} FROM boxcar.token WHERE id = $1`,
      values: [id],
    });
    return row && tokenOf(row);
  }

  async list(): Promise<TokenRecord[]> {
    const text = `SELECT ${TOKEN_COLUMNS} FROM boxcar.token ORDER BY created, id`;
    return (await this.#database.run<TokenRow>({ text })).map(tokenOf);
  }

  async remove(id: string): Promise<boolean> {
    const text = "DELETE FROM boxcar.token WHERE id = $1 RETURNING id";
    return (await this.#database.run({ text, values: [id] })).length > 0;
  }

  async touch(id: string, at: Date): Promise<void> {
    // Workers of a fleet may come here in any order.
    const text = "UPDATE boxcar.token SET last_used = greatest(last_used, $2) WHERE id = $1";
    await this.#database.run({ text, values: [id, at] });
  }
}

interface SessionRow {
  hash: string;
  name: string;
  role: string;
  token_id: string | null;
  created: Date;
  expires: Date;
}

export class SessionRows implements SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add({ hash, name, role, tokenId, created, expires }: SessionRecord): Promise<boolean> {
    // The lock makes who revokes the token wait until there is a session for it to end.
    const added = await this.#database.run({
      text: `INSERT INTO boxcar.session (hash, name, role, token_id, created, expires)
        SELECT $1, $2, $3, $4, $5, $6 WHERE $4::text IS NULL
          OR EXISTS (SELECT 1 FROM boxcar.token WHERE id = $4::text FOR KEY SHARE) RETURNING hash`,
      values: [hash, name, role, tokenId ?? null, created, expires],
    });
    return added.length > 0;
  }

  async find(hash: string): Promise<SessionRecord | undefined> {
    const [row] = await this.#database.run<SessionRow>({
      name: "session-find",
      text: "SELECT hash, name, role, token_id, created, expires FROM boxcar.session WHERE hash = $1",
      values: [hash],
    });
    if (row === undefined) return undefined;
    const { name, role, token_id, created, expires } = row;
    return { hash, name, role: roleOf(role), tokenId: token_id ?? undefined, created, expires };
  }

  async remove(hash: string): Promise<boolean> {
    const text = "DELETE FROM boxcar.session WHERE hash = $1 RETURNING hash";
    return (await this.#database.run({ text, values: [hash] })).length > 0;
  }

  async removeExpired(now: Date): Promise<void> {
    await this.#database.run({ text: "DELETE FROM boxcar.session WHERE expires <= $1", values: [now] });
  }
}

function tokenOf({ id, name, role, hash, created, expires, last_used }: TokenRow): TokenRecord {
  const times = { created, expires: expires ?? undefined, lastUsed: last_used ?? undefined };
  return { id, name, role: roleOf(role), hash, ...times };
}

function roleOf(text: string): Role {
  const role = tryParseRole(text);
  if (role !== undefined) return role;
  const message = `the queue's database knows a role ${JSON.stringify(text)} that this Boxcar does not; update it`;
  throw new QueueError("role-unknown", message, { blame: "host" });
}
