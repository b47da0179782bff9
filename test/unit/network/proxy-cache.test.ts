import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  isFresh,
  type KeptPolicy,
  keptHeaders,
  mayServeStale,
  policyOf,
  renewed,
  validators,
} from "../../../src/network/proxy/cache/freshness.ts";
import { type Listed, planEviction } from "../../../src/network/proxy/cache/plan-eviction.ts";

const URL_ASKED = new URL("http://up.example/x");

function kept(headers: Record<string, string>, status = 200): KeptPolicy | undefined {
  return policyOf(URL_ASKED, {}, { status, headers });
}

function must(headers: Record<string, string>): KeptPolicy {
  const policy = kept(headers);
  if (policy === undefined) throw new Error("it is not kept");
  // As it comes back from its file.
  return JSON.parse(JSON.stringify(policy));
}

afterEach(() => {
  vi.useRealTimers();
});

function later(seconds: number): void {
  vi.useFakeTimers({ now: Date.now() + seconds * 1_000, toFake: ["Date"] });
}

describe("what is kept", () => {
  it.each([
    [{ "cache-control": "max-age=10" }, true],
    [{ "cache-control": "no-cache", etag: '"a"' }, true],
    [{ "last-modified": new Date(0).toUTCString() }, true],
    [{}, false],
    [{ "cache-control": "no-cache" }, false],
    [{ "cache-control": "max-age=0" }, false],
    [{ "cache-control": "MAX-AGE=10, No-Store" }, false],
    [{ "cache-control": "max-age=10, private" }, false],
    [{ "cache-control": "max-age=10", "set-cookie": "a=1" }, false],
    [{ "cache-control": "max-age=10", vary: "accept, *" }, false],
  ])("%o: %s", (headers, expected) => {
    expect(kept(headers as Record<string, string>) !== undefined).toBe(expected);
    expect(kept(headers as Record<string, string>, 404)).toBeUndefined();
    expect(kept(headers as Record<string, string>, 206)).toBeUndefined();
  });

  it("is fresh as long as it says, and as whoever asks wants", () => {
    const policy = must({ "cache-control": "max-age=100" });
    expect(isFresh(policy, URL_ASKED, {})).toBe(true);
    expect(isFresh(policy, URL_ASKED, { "cache-control": "No-Cache" })).toBe(false);
    later(50);
    expect(isFresh(policy, URL_ASKED, {})).toBe(true);
    expect(isFresh(policy, URL_ASKED, { "cache-control": "max-age=0" })).toBe(false);
    expect(keptHeaders(policy)["age"]).toBe("50");
    later(100);
    expect(isFresh(policy, URL_ASKED, {})).toBe(false);
  });

  it("is fresh again after a 304 about it, and not after one about another", () => {
    const policy = must({ "cache-control": "max-age=10", etag: '"a"', "content-type": "x/y" });
    expect(validators(policy)).toEqual({ "if-none-match": '"a"' });
    later(60);
    expect(isFresh(policy, URL_ASKED, {})).toBe(false);
    const again = renewed(
      policy,
      URL_ASKED,
      {},
      { status: 304, headers: { "cache-control": "max-age=10", etag: '"a"' } },
    );
    expect(again && isFresh(again, URL_ASKED, {})).toBe(true);
    expect(again && keptHeaders(again)["content-type"]).toBe("x/y");
    expect(renewed(policy, URL_ASKED, {}, { status: 304, headers: { etag: '"b"' } })).toBeUndefined();
    expect(
      renewed(policy, URL_ASKED, {}, { status: 304, headers: { etag: '"a"', "cache-control": "no-store" } }),
    ).toBeUndefined();
    expect(
      renewed(policy, URL_ASKED, {}, { status: 304, headers: { etag: '"a"', "set-cookie": "a" } }),
    ).toBeUndefined();
  });

  it("is better than nothing when the upstream is gone, unless it says otherwise", () => {
    expect(mayServeStale(must({ "cache-control": "max-age=10" }), true)).toBe(true);
    for (const word of ["must-revalidate", "proxy-revalidate", "s-maxage=10"]) {
      expect(mayServeStale(must({ "cache-control": `max-age=10, ${word}`, etag: '"a"' }), true)).toBe(false);
    }
    const lenient = must({ "cache-control": "max-age=10, stale-if-error=100" });
    const plain = must({ "cache-control": "max-age=10" });
    later(50);
    expect([mayServeStale(lenient, false), mayServeStale(plain, false)]).toEqual([true, false]);
    later(100);
    expect(mayServeStale(lenient, false)).toBe(false);
  });
});

describe("what goes when there is no room", () => {
  const now = 10_000_000;
  const answer = (key: string, bytes: number, usedMs: number): Listed[] => [
    { name: `${key}.json`, bytes: 0, usedMs },
    { name: `${key}.id.body`, bytes, usedMs: 0 },
  ];

  it("is what was used longest ago, heads first", () => {
    const listed = [...answer("a", 40, 3), ...answer("b", 40, 1), ...answer("c", 40, 2)];
    const plan = planEviction(listed, { maxBytes: 100, maxCount: 10 }, now);
    expect(plan).toEqual({ remove: ["b.json", "b.id.body"], keptBytes: 80, keptCount: 2 });
  });

  it("is nothing where there is room, but bodies that nobody speaks for", () => {
    const listed = [
      ...answer("a", 40, 3),
      { name: "b.id.body", bytes: 9, usedMs: 1 },
      { name: "c.id.body", bytes: 9, usedMs: now },
    ];
    expect(planEviction(listed, { maxBytes: 100, maxCount: 10 }, now)).toEqual({
      remove: ["b.id.body"],
      keptBytes: 40,
      keptCount: 1,
    });
  });

  it("is what a newer body of the same answer has replaced", () => {
    const replaced = { name: "a.old.body", bytes: 9, usedMs: -1 };
    const plan = planEviction([replaced, ...answer("a", 40, 3)], { maxBytes: 100, maxCount: 10 }, now);
    expect(plan).toEqual({ remove: ["a.old.body"], keptBytes: 40, keptCount: 1 });
  });

  it("is enough, and never more than that and a little", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 1, max: 30 }),
        (bytes, maxBytes, maxCount) => {
          const listed = bytes.flatMap((size, index) => answer(String(index), size, index));
          const { remove, keptBytes, keptCount } = planEviction(listed, { maxBytes, maxCount }, now);
          expect(keptBytes <= maxBytes && keptCount <= maxCount).toBe(true);
          expect(remove).toHaveLength(2 * (bytes.length - keptCount));
          const sum = bytes.reduce((a, b) => a + b, 0);
          if (sum <= maxBytes && bytes.length <= maxCount) expect(remove).toEqual([]);
        },
      ),
    );
  });
});
