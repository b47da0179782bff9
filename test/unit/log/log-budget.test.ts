import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { budgetOf, keepsWorkerLine, keptOfGuest } from "../../../src/log/log-budget.ts";

describe("the budget of a log", () => {
  it("leaves room for the worker's lines when the guest has used the rest", () => {
    const budget = budgetOf(1_000_000);
    expect(keptOfGuest(Buffer.alloc(1_000_000), 0, budget)).toBe(1_000_000 - 65_536);
    expect(keptOfGuest(Buffer.alloc(10), 1_000_000 - 65_536, budget)).toBe(0);
    expect(keepsWorkerLine(65_536, 1_000_000 - 65_536, budget)).toBe(true);
    expect(keepsWorkerLine(65_537, 1_000_000 - 65_536, budget)).toBe(false);
  });

  it("has no limit where there is none", () => {
    const budget = budgetOf(Number.POSITIVE_INFINITY);
    expect(keptOfGuest(Buffer.alloc(10), Number.MAX_SAFE_INTEGER, budget)).toBe(10);
    expect(keepsWorkerLine(10, Number.MAX_SAFE_INTEGER, budget)).toBe(true);
  });

  it("cuts no character in two", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat({ max: 40 }), (text, maxBytes) => {
        const bytes = Buffer.from(text);
        const kept = keptOfGuest(bytes, 0, { maxBytes, reserveBytes: 0 });
        expect(kept).toBeLessThanOrEqual(maxBytes);
        expect(text.startsWith(bytes.subarray(0, kept).toString())).toBe(true);
        expect(Math.min(bytes.length, maxBytes) - kept).toBeLessThan(4);
      }),
    );
  });

  it("cuts what is no text where the limit is", () => {
    expect(keptOfGuest(Buffer.alloc(20, 0x80), 0, { maxBytes: 10, reserveBytes: 0 })).toBe(10);
  });
});
