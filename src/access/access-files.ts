/**
 * Tokens and sessions as files, one each, for workers without a database.
 *
 * A file appears whole and is never changed, so nobody needs a lock: what was revoked cannot come back by somebody who
 * had read it before. When a token was used last is the time of its file.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, messageOf, WorkerError } from "../base/errors.ts";
import { ignoreMissing } from "../host/durable-file.ts";
import { parseSessionFile, parseTokenFile, type RecordText } from "./record-files.ts";
import type { AccessStore, SessionRecord, SessionStore } from "./session-store.ts";
import type { TokenRecord, TokenStore } from "./token-store.ts";

const HASH = /^[0-9a-f]{64}$/;
const ID = /^[0-9a-f]{1,64}$/;

export class AccessFiles implements AccessStore {
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;

  private constructor(tokens: RecordFolder, sessions: RecordFolder) {
    const isThere = async (tokenId: string) => (await tokens.read(tokenId)) !== undefined;
    this.tokens = new TokenFiles(tokens, sessions);
    this.sessions = new SessionFiles(sessions, isThere);
  }

  /** @param directory Absolute; made if it is not there. @throws {WorkerError} `access-unreadable` */
  static async open(directory: string): Promise<AccessFiles> {
    const [tokens, sessions] = [join(directory, "tokens"), join(directory, "sessions")];
    await failing(directory, async () => {
      await mkdir(tokens, { recursive: true, mode: 0o700 });
      await mkdir(sessions, { recursive: true, mode: 0o700 });
    });
    return new AccessFiles(new RecordFolder(tokens), new RecordFolder(sessions));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class TokenFiles implements TokenStore {
  readonly #folder: RecordFolder;
  readonly #sessions: RecordFolder;

  constructor(folder: RecordFolder, sessions: RecordFolder) {
    this.#folder = folder;
    this.#sessions = sessions;
  }

  async add(token: TokenRecord): Promise<void> {
    if (await this.#folder.write(token.id, token, token.lastUsed ?? token.created)) return;
    throw new WorkerError(`there is a token ${token.id} already`, { code: "token-exists", blame: "task" });
  }

  async find(id: string): Promise<TokenRecord | undefined> {
    if (!ID.test(id)) return undefined;
    const found = await this.#folder.read(id);
    return found && parseTokenFile(found);
  }

  async list(): Promise<TokenRecord[]> {
    const tokens = (await this.#folder.readAll()).map(parseTokenFile);
    return tokens.sort((one, other) => one.created.getTime() - other.created.getTime());
  }

  async remove(id: string): Promise<boolean> {
    if (!ID.test(id) || !(await this.#folder.remove(id))) return false;
    // They count no more already; these are their remains.
    for (const file of await this.#sessions.readAll()) {
      const { tokenId, hash } = parseSessionFile(file);
      if (tokenId === id) await this.#sessions.remove(hash);
    }
    return true;
  }

  async touch(id: string, at: Date): Promise<void> {
    if (ID.test(id)) await this.#folder.touch(id, at);
  }
}

class SessionFiles implements SessionStore {
  readonly #folder: RecordFolder;
  readonly #hasToken: (id: string) => Promise<boolean>;

  constructor(folder: RecordFolder, hasToken: (id: string) => Promise<boolean>) {
    this.#folder = folder;
    this.#hasToken = hasToken;
  }

  async add(session: SessionRecord): Promise<boolean> {
    await this.#folder.write(session.hash, session, session.created);
    // Only now: who revokes the token from here on finds the session.
    if (session.tokenId === undefined || (await this.#hasToken(session.tokenId))) return true;
    await this.#folder.remove(session.hash);
    return false;
  }

  async find(hash: string): Promise<SessionRecord | undefined> {
    if (!HASH.test(hash)) return undefined;
    const found = await this.#folder.read(hash);
    if (found === undefined) return undefined;
    const session = parseSessionFile(found);
    return session.tokenId === undefined || (await this.#hasToken(session.tokenId)) ? session : undefined;
  }

  async remove(hash: string): Promise<boolean> {
    return HASH.test(hash) && (await this.#folder.remove(hash));
  }

  async removeExpired(now: Date): Promise<void> {
    for (const file of await this.#folder.readAll()) {
      const { hash, expires } = parseSessionFile(file);
      if (expires <= now) await this.#folder.remove(hash);
    }
  }
}

/** A folder of small files that only our user can read. */
class RecordFolder {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** False: there is one. */
  async write(name: string, record: object, modified: Date): Promise<boolean> {
    const path = this.#path(name);
    const draft = `${path}.${crypto.randomUUID()}`;
    return await failing(path, async () => {
      if ((await stat(path).catch(ignoreMissing)) !== undefined) return false;
      try {
        await using file = await open(draft, "wx", 0o600);
        await file.writeFile(JSON.stringify(record));
        await file.utimes(modified, modified);
        await file.sync();
        await rename(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
      return true;
    });
  }

  async read(name: string): Promise<RecordText | undefined> {
    const path = this.#path(name);
    return await failing(path, async () => {
      const text = await readFile(path, "utf8").catch(ignoreMissing);
      const found = text === undefined ? undefined : await stat(path).catch(ignoreMissing);
      return text === undefined || found === undefined ? undefined : { path, text, modified: found.mtime };
    });
  }

  async readAll(): Promise<RecordText[]> {
    const names = await failing(this.#directory, () => readdir(this.#directory));
    const ids = names.flatMap((name) => /^([0-9a-f]+)\.json$/.exec(name)?.[1] ?? []);
    const files = await Promise.all(ids.map((id) => this.read(id)));
    return files.filter((file) => file !== undefined);
  }

  async remove(name: string): Promise<boolean> {
    return await failing(this.#path(name), async () => {
      const done = await unlink(this.#path(name)).then(() => true, ignoreMissing);
      return done === true;
    });
  }

  async touch(name: string, at: Date): Promise<void> {
    await failing(this.#path(name), () => utimes(this.#path(name), at, at).catch(ignoreMissing));
  }

  #path(name: string): string {
    return join(this.#directory, `${name}.json`);
  }
}

async function failing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkerError) throw error;
    const message = `${path}, where tokens and sessions are kept, cannot be used (${codeOf(error) ?? "unknown"}): ${messageOf(error)}`;
    throw new WorkerError(message, { code: "access-unreadable", blame: "host", cause: error });
  }
}
