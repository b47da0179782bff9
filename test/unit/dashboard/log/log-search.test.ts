import { describe, expect, it } from "vitest";
import { findFailure } from "../../../../src/dashboard/features/log/find-failure.ts";
import { markMatches } from "../../../../src/dashboard/features/log/highlight.ts";
import { LogSearch } from "../../../../src/dashboard/features/log/log-search.ts";
import { LogStore } from "../../../../src/dashboard/features/log/log-store.ts";
import { PLAIN } from "../../../../src/dashboard/features/log/sgr.ts";

function storeOf(text: string): LogStore {
  const store = new LogStore();
  store.append(Buffer.from(text));
  return store;
}

const always = () => true;

describe("a search", () => {
  it("finds lines in whatever case, also where colours are in the word", () => {
    const search = new LogSearch(storeOf("One error\nnone\nER\u001b[31mROR\u001b[0m\n"), "Error");
    search.step(always);
    expect(search.matches).toEqual([0, 2]);
    expect(search.isDone).toBe(true);
  });

  it("goes on when the log grows, and looks at its last line again", () => {
    const store = storeOf("a needle\nan unfinished nee");
    const search = new LogSearch(store, "needle");
    search.step(always);
    expect(search.matches).toEqual([0]);
    store.append(Buffer.from("dle\nlast needle"));
    expect(search.isDone).toBe(false);
    search.step(always);
    expect(search.matches).toEqual([0, 1, 2]);
    store.append(Buffer.from(" goes on"));
    search.step(always);
    expect(search.matches).toEqual([0, 1, 2]);
  });

  it("stops when its time is over, and goes on later", () => {
    const search = new LogSearch(storeOf("needle\n".repeat(10_000)), "needle");
    search.step(() => false);
    expect(search.isDone).toBe(false);
    const first = search.matches.length;
    expect(first).toBeGreaterThan(0);
    search.step(always);
    expect(search.matches).toHaveLength(10_000);
    expect(search.matches).toEqual(Array.from({ length: 10_000 }, (_, line) => line));
  });

  it("goes from match to match, around the ends", () => {
    const search = new LogSearch(storeOf("x\n-\nx\n-\nx\n"), "x");
    search.step(always);
    expect([-1, 0, 2, 4].map((line) => search.matchFrom(line, 1))).toEqual([0, 2, 4, 0]);
    expect([5, 4, 0].map((line) => search.matchFrom(line, -1))).toEqual([4, 2, 4]);
  });
});

describe("the matches in a line", () => {
  const red = { ...PLAIN, foreground: 1 };
  it("are marked, also over several pieces", () => {
    const pieces = [
      { text: "an Er", style: PLAIN },
      { text: "ror, error", style: red },
    ];
    expect(markMatches(pieces, "error")).toEqual([
      { text: "an ", style: PLAIN, isMatch: false },
      { text: "Er", style: PLAIN, isMatch: true },
      { text: "ror", style: red, isMatch: true },
      { text: ", ", style: red, isMatch: false },
      { text: "error", style: red, isMatch: true },
    ]);
  });
});

describe("the failure", () => {
  it.each([
    ["the worker's word", "error: x\n[boxcar 12:00:00.000] failed (command-failed, exit code 2)\n", 1],
    [
      "the step that failed",
      "ok\n[boxcar 12:00:00.000] step test ended with exit code 2 after 3 s\n[boxcar 12:00:01.000] failed (command-failed)\n",
      1,
    ],
    ["no step that succeeded", "[boxcar 12:00:00.000] step a ended with exit code 0 after 3 s\n", undefined],
    ["no command that has the word", "[boxcar 12:00:00.000] the guest is up; running sh -c 'echo failed'\n", undefined],
    ["the first line of a program", "fine\nTraceback (most recent call last):\nValueError: no\n", 1],
    ["no count of none", "0 errors\nfailed: 0\nfine\n", undefined],
    ["nothing in an empty log", "", undefined],
  ])("is %s", (_what, log, expected) => {
    expect(findFailure(storeOf(log))).toBe(expected);
  });
});
