import { describe, expect, it } from "vitest";
import { isTaskId, newTaskId } from "../../../src/queue/task-id.ts";

describe("ids of tasks", () => {
  it("are different, and never taken for an option", () => {
    const ids = Array.from({ length: 1_000 }, newTaskId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-f][\w-]{21}$/);
    expect(ids.every(isTaskId)).toBe(true);
  });

  it("are told from their beginnings and from paths", () => {
    for (const text of ["", "abc", "../..aaaaaaaaaaaaaaaaa", `${newTaskId()}a`]) expect(isTaskId(text)).toBe(false);
  });
});
