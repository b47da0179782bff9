import { describe, expect, it } from "vitest";
import { LoginGuard } from "../../../src/access/login-guard.ts";
import { networkOf, RateLimit } from "../../../src/access/rate-limit.ts";

describe("a rate limit", () => {
  it("is of each who asks, and says how long to wait", () => {
    let nowMs = 0;
    const limit = new RateLimit({ perSecond: 2, burst: 3, nowMs: () => nowMs });
    expect([1, 2, 3, 4].map(() => limit.tryTake("a"))).toEqual([true, true, true, false]);
    expect([limit.waitMs("a"), limit.waitMs("b")]).toEqual([500, 0]);
    expect(limit.tryTake("b")).toBe(true);
    nowMs = 500;
    expect([limit.waitMs("a"), limit.tryTake("a"), limit.tryTake("a")]).toEqual([0, true, false]);
  });

  it("remembers so many at most, and forgets who has not asked for longest", () => {
    const limit = new RateLimit({ perSecond: 0.001, burst: 1, maxKeys: 2, nowMs: () => 0 });
    for (const key of ["a", "b"]) expect(limit.tryTake(key)).toBe(true);
    expect(limit.tryTake("a")).toBe(false);
    expect(limit.tryTake("c")).toBe(true);
    expect(limit.tryTake("a")).toBe(false);
    expect(limit.tryTake("b")).toBe(true);
  });
});

it.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "20010db800010002/64"],
  ["2001:db8:1:2::", "20010db800010002/64"],
  ["::1", "0000000000000000/64"],
  [undefined, "unknown"],
  ["nonsense", "unknown"],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

describe("the guard of logins", () => {
  const guardOf = (nowMs: () => number) => new LoginGuard({ failuresPerMinute: 2, allFailuresPerMinute: 3, nowMs });

  it("looks at nothing from an address with too many mistakes, but at what was right before", () => {
    let nowMs = 0;
    const guard = guardOf(() => nowMs);
    guard.noteSuccess("known");
    for (const secret of ["x", "y"]) guard.noteFailure("192.0.2.1", secret);
    expect(guard.waitMs("192.0.2.1", "z")).toBe(30_000);
    expect(guard.waitMs("192.0.2.1", "known")).toBe(0);
    expect(guard.waitMs("192.0.2.2", "z")).toBe(0);
    nowMs = 30_000;
    expect(guard.waitMs("192.0.2.1", "z")).toBe(0);
  });

  it("looks at nothing from anywhere after too many mistakes of all", () => {
    const guard = guardOf(() => 0);
    for (const host of [1, 2, 3]) guard.noteFailure(`192.0.2.${host}`, "x");
    expect(guard.waitMs("192.0.2.4", "z")).toBe(20_000);
  });

  it("forgets what is right no more", () => {
    const guard = guardOf(() => 0);
    guard.noteSuccess("revoked");
    for (let count = 0; count < 2; count++) guard.noteFailure("192.0.2.1", "revoked");
    expect(guard.waitMs("192.0.2.1", "revoked")).toBeGreaterThan(0);
  });
});
