import { describe, expect, it } from "vitest";
import { formatNote } from "../../../src/log/note.ts";
import { describeTimings } from "../../../src/log/timings.ts";

describe("the worker's lines in a log", () => {
  it("are marked one by one, with the time", () => {
    expect(formatNote("one\ntwo", new Date("2024-01-01T12:00:00.5Z"))).toBe(
      "[boxcar 12:00:00.500] one\n[boxcar 12:00:00.500] two\n",
    );
  });

  it("say at the end how long everything took", () => {
    const durations = [
      { name: "boot", durationMs: 950 },
      { name: "step compile", durationMs: 61_000 },
    ];
    expect(describeTimings(durations, 62_100)).toBe(
      ["boot             950 ms", "step compile  1 min 1 s", "total         1 min 2 s"].join("\n"),
    );
  });
});
