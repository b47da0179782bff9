import { describe, expect, it } from "vitest";
import { idOfToken, mintToken } from "../../../src/access/token.ts";
import type { TokenRecord, TokenStore } from "../../../src/access/token-store.ts";
import { Tokens } from "../../../src/access/tokens.ts";

/** As little of a store as is needed; test/contract has the real ones. */
class MemoryStore implements TokenStore {
  readonly records = new Map<string, TokenRecord>();
  readonly asked: string[] = [];
  readonly touched: Date[] = [];

  async add(token: TokenRecord): Promise<void> {
    this.records.set(token.id, token);
  }
  async find(id: string): Promise<TokenRecord | undefined> {
    this.asked.push(id);
    return this.records.get(id);
  }
  async list(): Promise<TokenRecord[]> {
    return [...this.records.values()];
  }
  async remove(id: string): Promise<boolean> {
    return this.records.delete(id);
  }
  async touch(_id: string, at: Date): Promise<void> {
    this.touched.push(at);
  }
}

function setUp() {
  const clock = { ms: Date.parse("2026-01-01T10:00:00Z") };
  const store = new MemoryStore();
  return { clock, store, tokens: new Tokens(store, () => new Date(clock.ms)) };
}

describe("tokens", () => {
  it.each(["local", "host", "nobody", "sockets.json", "LOCAL"])("are not called %s, as others are", async (name) => {
    const { tokens, store } = setUp();
    await expect(tokens.create({ name, role: "admin" })).rejects.toMatchObject({ code: "invalid-input" });
    expect(store.records.size).toBe(0);
  });

  it("have an id, and 256 random bits", () => {
    const made = Array.from({ length: 100 }, mintToken);
    expect(new Set(made.map(({ token }) => token)).size).toBe(100);
    for (const { id, token } of made) {
      expect(token).toMatch(/^bxc_[0-9a-f]{10}_[A-Za-z0-9_-]{43}$/);
      expect(idOfToken(token)).toBe(id);
      expect(Buffer.from(token.slice(15), "base64url")).toHaveLength(32);
    }
  });

  it.each([
    "",
    "bxc_",
    "bxc_0123456789_",
    `bxc_0123456789_${"a".repeat(42)}`,
    `bxc_../../etc/_${"a".repeat(43)}`,
    `bxc_0123456789_${"a".repeat(43)}\n`,
  ])("%j is none", async (text) => {
    const { tokens, store } = setUp();
    expect(await tokens.ownerOf(text)).toBeUndefined();
    expect(store.asked).toEqual([]);
  });

  it("are kept as their hash alone", async () => {
    const { tokens, store } = setUp();
    const { token, info } = await tokens.create({ name: "ci", role: "submitter" });
    const kept = JSON.stringify([...store.records.values()]);
    expect(kept).not.toContain(token);
    expect(kept).not.toContain(token.slice(15));
    expect(info).not.toHaveProperty("hash");
    expect(await tokens.list()).toEqual([info]);
  });

  it("tell whose they are", async () => {
    const { tokens } = setUp();
    const { token, info } = await tokens.create({ name: "ci", role: "submitter" });
    const principal = { name: "ci", role: "submitter", via: "token" };
    expect(await tokens.ownerOf(token)).toEqual({ principal, tokenId: info.id, expires: undefined });
  });

  it("are looked up the same way, whether there is such a token or not", async () => {
    const { tokens, store } = setUp();
    const { token } = await tokens.create({ name: "ci", role: "submitter" });
    const unknown = mintToken().token;
    const wrong = `${token.slice(0, 15)}${unknown.slice(15)}`;
    for (const each of [unknown, wrong]) expect(await tokens.ownerOf(each)).toBeUndefined();
    expect(store.asked).toEqual([idOfToken(unknown), idOfToken(wrong)]);
  });

  it("have names that no person of an identity provider has", async () => {
    const { tokens } = setUp();
    for (const name of ["", "a b", "ann@example.com", "-x", "x".repeat(65), "é", "x\n"]) {
      await expect(tokens.create({ name, role: "viewer" })).rejects.toThrow("name: must be 1 to 64 letters");
    }
  });

  it("do not begin after their end", async () => {
    const { tokens, clock } = setUp();
    const expires = new Date(clock.ms);
    await expect(tokens.create({ name: "x", role: "viewer", expires })).rejects.toThrow("expires: is over already");
  });

  it("are noted as used now and then, not at each request", async () => {
    const { tokens, store, clock } = setUp();
    const { token } = await tokens.create({ name: "ci", role: "viewer" });
    const begin = clock.ms;
    for (let minute = 0; minute <= 10; minute++) {
      clock.ms = begin + minute * 60_000;
      await tokens.ownerOf(token);
    }
    expect(store.touched.map((at) => (at.getTime() - begin) / 60_000)).toEqual([0, 5, 10]);
  });
});
