import { describe, expect, it } from "vitest";
import { WriteSpeed } from "../../../src/log/write-speed.ts";

describe("how fast a log grows", () => {
  it("is known while it grows, and forgotten a while after", () => {
    let nowMs = 0;
    const speed = new WriteSpeed(() => nowMs);
    expect(speed.bytesPerSecond).toBe(0);
    for (; nowMs < 2_000; nowMs += 100) speed.note(1_000);
    expect(speed.bytesPerSecond).toBe(10_000);
    nowMs += 500;
    expect(speed.bytesPerSecond).toBeLessThanOrEqual(10_000);
    nowMs += 500;
    expect(speed.bytesPerSecond).toBe(0);
  });

  it("is noticed at once where much comes", () => {
    const speed = new WriteSpeed(() => 0);
    speed.note(1_000_000);
    expect(speed.bytesPerSecond).toBe(2_000_000);
  });
});
