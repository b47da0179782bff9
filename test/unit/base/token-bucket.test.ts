import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../src/base/token-bucket.ts";

describe("TokenBucket", () => {
  it("allows a burst, then the rate", () => {
    let nowMs = 0;
    const bucket = new TokenBucket(10, 3, () => nowMs);
    const take = (times: number) => Array.from({ length: times }, () => bucket.tryTake()).filter(Boolean).length;
    expect(take(5)).toBe(3);
    nowMs = 100;
    expect(take(5)).toBe(1);
    nowMs = 60_000;
    expect(take(5)).toBe(3);
  });
});
