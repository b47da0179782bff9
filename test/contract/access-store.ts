/** What every store of tokens and sessions does. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SessionRecord, SessionStore } from "../../src/access/session-store.ts";
import type { TokenRecord, TokenStore } from "../../src/access/token-store.ts";

export interface AccessStoreHarness extends AsyncDisposable {
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  /** The same store as another process has it. */
  again(): Promise<AccessStoreHarness>;
}

const created = new Date("2026-01-01T10:00:00.000Z");
const later = (minutes: number) => new Date(created.getTime() + minutes * 60_000);

function token(change: Partial<TokenRecord> = {}): TokenRecord {
  const id = randomBytes(5).toString("hex");
  const hash = randomBytes(32).toString("hex");
  return { id, name: "ci", role: "submitter", hash, created, expires: undefined, lastUsed: undefined, ...change };
}

function session(change: Partial<SessionRecord> = {}): SessionRecord {
  const hash = randomBytes(32).toString("hex");
  return {
    hash,
    name: "ann@example.com",
    role: "operator",
    tokenId: undefined,
    created,
    expires: later(60),
    ...change,
  };
}

export function describeAccessStore(name: string, start: () => Promise<AccessStoreHarness>): void {
  describe(`the access store ${name}`, () => {
    let store: AccessStoreHarness;
    beforeEach(async () => {
      store = await start();
    });
    afterEach(() => store[Symbol.asyncDispose]());

    it("keeps a token as it was, for every process", async () => {
      const [plain, limited] = [token(), token({ created: later(1), expires: later(5), role: "admin" })];
      await store.tokens.add(limited);
      await store.tokens.add(plain);
      await using other = await store.again();
      expect(await other.tokens.find(plain.id)).toEqual(plain);
      expect(await other.tokens.find(limited.id)).toEqual(limited);
      expect(await other.tokens.list()).toEqual([plain, limited]);
    });

    it("knows no token that was not added, whatever it is called", async () => {
      for (const id of ["0000000000", "", "../../etc/passwd", "%", "a'b"]) {
        expect(await store.tokens.find(id)).toBeUndefined();
        expect(await store.tokens.remove(id)).toBe(false);
      }
      expect(await store.tokens.list()).toEqual([]);
    });

    it("does not put a token in the place of another one", async () => {
      const first = token();
      await store.tokens.add(first);
      await expect(store.tokens.add(token({ id: first.id, role: "admin" }))).rejects.toMatchObject({
        code: "token-exists",
      });
      expect(await store.tokens.find(first.id)).toEqual(first);
    });

    it("notes when a token was used, but brings none back by that", async () => {
      const used = token();
      await store.tokens.add(used);
      await store.tokens.touch(used.id, later(10));
      expect(await store.tokens.find(used.id)).toEqual({ ...used, lastUsed: later(10) });
      await store.tokens.remove(used.id);
      await store.tokens.touch(used.id, later(20));
      expect(await store.tokens.find(used.id)).toBeUndefined();
    });

    it("keeps a session as it was, for every process, until it is removed", async () => {
      const kept = session();
      expect(await store.sessions.add(kept)).toBe(true);
      await using other = await store.again();
      expect(await other.sessions.find(kept.hash)).toEqual(kept);
      expect(await other.sessions.remove(kept.hash)).toBe(true);
      expect(await store.sessions.find(kept.hash)).toBeUndefined();
      expect(await store.sessions.remove(kept.hash)).toBe(false);
    });

    it("ends the sessions of a token that is removed, and no others", async () => {
      const [gone, stays] = [token(), token()];
      await store.tokens.add(gone);
      await store.tokens.add(stays);
      const [ended, others] = [
        [session({ tokenId: gone.id }), session({ tokenId: gone.id })],
        [session({ tokenId: stays.id }), session()],
      ];
      for (const each of [...ended, ...others]) expect(await store.sessions.add(each)).toBe(true);
      await using other = await store.again();
      expect(await other.tokens.remove(gone.id)).toBe(true);
      for (const { hash } of ended) expect(await store.sessions.find(hash)).toBeUndefined();
      for (const each of others) expect(await store.sessions.find(each.hash)).toEqual(each);
    });

    it("has no session of a token that is gone", async () => {
      const orphan = session({ tokenId: token().id });
      expect(await store.sessions.add(orphan)).toBe(false);
      expect(await store.sessions.find(orphan.hash)).toBeUndefined();
    });

    it("leaves no session behind where its token is removed at the same time", async () => {
      for (let round = 0; round < 10; round++) {
        const owner = token();
        await store.tokens.add(owner);
        const opened = session({ tokenId: owner.id });
        await Promise.all([store.sessions.add(opened), store.tokens.remove(owner.id)]);
        expect(await store.sessions.find(opened.hash)).toBeUndefined();
      }
    });

    it("forgets sessions that are over", async () => {
      const [over, open] = [session({ expires: later(1) }), session({ expires: later(3) })];
      await store.sessions.add(over);
      await store.sessions.add(open);
      await store.sessions.removeExpired(later(2));
      expect(await store.sessions.find(over.hash)).toBeUndefined();
      expect(await store.sessions.find(open.hash)).toEqual(open);
    });
  });
}
