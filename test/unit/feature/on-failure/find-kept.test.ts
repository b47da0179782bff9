import { describe, expect, it } from "vitest";
import { findKept, nothingKept } from "../../../../src/feature/on-failure/find-kept.ts";
import type { SavedMachine } from "../../../../src/snapshot/saved-machine.ts";

const NOW = new Date("2026-11-22T12:00:00Z");

interface Kept {
  task: string;
  run?: number;
  minutesAgo?: number;
  expiresIn?: number;
  kind?: SavedMachine["record"]["kind"];
  imported?: boolean;
}

function saved(
  id: string,
  { task, run = 0, minutesAgo = 10, expiresIn = 60, kind = "failed", ...more }: Kept,
): SavedMachine {
  const created = new Date(NOW.getTime() - minutesAgo * 60_000);
  const expires = new Date(NOW.getTime() + expiresIn * 60_000);
  const record = { ...more, kind, source: { task: { taskId: task, runId: run } } } as SavedMachine["record"];
  return { kind: "machine", id, record, directory: `/${id}`, created, expires, diskBytes: 1 };
}

const ENTRIES = [
  saved("old", { task: "abc", run: 0, minutesAgo: 30 }),
  saved("new", { task: "abc", run: 2, minutesAgo: 5 }),
  saved("late", { task: "abc", run: 3, minutesAgo: 1, expiresIn: 0 }),
  saved("other", { task: "abcdef" }),
  saved("brought", { task: "abc", run: 4, minutesAgo: 1, imported: true }),
  saved("mark", { task: "xyz", kind: "checkpoint" }),
  { kind: "damaged", id: "broken", why: "it is", diskBytes: 1 } as const,
];

function find(task: string, run: number | "latest" = "latest", isPrefix = false): string | undefined {
  return findKept(ENTRIES, { task, run, isPrefix }, NOW)?.id;
}

describe("the machine that is kept of a task", () => {
  it("is that of the newest run which is not over, or of the one that was named", () => {
    expect(find("abc")).toBe("new");
    expect(find("abc", 0)).toBe("old");
    expect([find("abc", 1), find("abc", 3), find("xyz"), find("ab")]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("is found by the beginning of an id where that is of one task, and an id comes before a beginning", () => {
    expect(find("abcd", "latest", true)).toBe("other");
    expect(find("abc", "latest", true)).toBe("new");
    expect(() => find("ab", "latest", true)).toThrow(expect.objectContaining({ code: "snapshot-ambiguous" }));
    expect(find("nothing", "latest", true)).toBeUndefined();
  });

  it("is said not to be there with why that may be", () => {
    expect(nothingKept({ task: "abc", run: 1 })).toMatchObject({
      code: "snapshot-not-found",
      message: expect.stringContaining("run 1 of the task abc"),
    });
  });
});
