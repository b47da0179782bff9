import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, tryParseDuration } from "../../../src/base/units.ts";

describe("tryParseDuration", () => {
  it.each([
    [90, 90_000],
    [0.5, 500],
    ["10 minutes", 600_000],
    ["1 day 2 hours", 93_600_000],
    ["1h30m", 5_400_000],
    ["1.5 h", 5_400_000],
    ["2 hours, 5 secs", 7_205_000],
  ])("reads %s", (text, ms) => {
    expect(tryParseDuration(text)).toBe(ms);
  });

  it.each([0, -1, "", "soon", "10", "10 parsecs", "5 minutes ago", "-5 s"])("refuses %s", (text) => {
    expect(tryParseDuration(text)).toBeUndefined();
  });
});

describe("formatting", () => {
  it("shows durations in the units people use", () => {
    expect([12, 1_234, 90_000, 93_605_000].map(formatDuration)).toEqual([
      "12 ms",
      "1.2 s",
      "1 min 30 s",
      "1 d 2 h 5 s",
    ]);
  });

  it("shows sizes in binary units", () => {
    expect([0, 1_023, 1_536, 3 * 1_024 ** 3].map(formatBytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]);
  });
});
