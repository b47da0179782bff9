import { expect, it } from "vitest";
import { Access } from "../../../src/access/access.ts";
import { randomSecret } from "../../../src/access/secrets.ts";
import type { SessionRecord, SessionStore } from "../../../src/access/session-store.ts";
import type { TokenRecord, TokenStore } from "../../../src/access/token-store.ts";

/** As little of a store as is needed; test/contract has the real ones. */
class CountingStore {
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #tokens = new Map<string, TokenRecord>();
  lookedUp = 0;

  readonly sessions: SessionStore = {
    add: async (session) => this.#sessions.set(session.hash, session).has(session.hash),
    find: async (hash) => {
      this.lookedUp += 1;
      return this.#sessions.get(hash);
    },
    remove: async (hash) => this.#sessions.delete(hash),
    removeExpired: async () => {},
  };

  readonly tokens: TokenStore = {
    add: async (token) => void this.#tokens.set(token.id, token),
    find: async (id) => this.#tokens.get(id),
    list: async () => [...this.#tokens.values()],
    remove: async (id) => this.#tokens.delete(id),
    touch: async () => {},
  };
}

const ADDRESS = "192.0.2.7";

it("cookies that are of no session are not even looked up where there are too many of them; sessions are", async () => {
  const clock = { ms: Date.parse("2026-01-01T10:00:00Z") };
  const store = new CountingStore();
  const rateLimits = { failedLoginsPerMinute: 5, allFailedLoginsPerMinute: 5, requestsPerSecond: 2 };
  const settings = { sessions: { durationMs: 3_600_000 }, oidc: undefined, rateLimits };
  const audit = { record() {} };
  const access = await Access.open({ settings, store, audit, url: undefined, now: () => new Date(clock.ms) });
  const { token } = await access.tokens.create({ name: "ann", role: "viewer" });
  const { value } = await access.logInByToken(token, ADDRESS);
  const guess = async () => {
    expect(await access.bySession(randomSecret(), ADDRESS)).toBeUndefined();
    access.requireFewRequests(undefined, ADDRESS);
  };
  for (let n = 0; n < 10; n++) await guess();
  const before = store.lookedUp;
  for (let n = 0; n < 5; n++) await expect(guess()).rejects.toMatchObject({ code: "too-many-requests" });
  expect([before, store.lookedUp]).toEqual([10, 10]);
  expect((await access.bySession(value, ADDRESS))?.principal.name).toBe("ann");
  expect(await access.bySession(randomSecret(), "192.0.2.8")).toBeUndefined();
  clock.ms += 1_000;
  await guess();
});
