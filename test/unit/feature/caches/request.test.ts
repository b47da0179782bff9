import { describe, expect, it } from "vitest";
import { cacheIssues, cacheRequests, inLockingOrder, isSaved } from "../../../../src/feature/caches/request.ts";

const MIB = 1_048_576;
const settings = { maxBytes: 4_096 * MIB, waitMs: 1 };
const cache = (name: string, path: string) => ({ name, path });

describe("the caches of a payload", () => {
  it("are exclusive, of 2 GiB, and kept on success, unless they say otherwise", () => {
    expect(cacheRequests([cache("npm", "/npm")])).toEqual([
      {
        ...cache("npm", "/npm"),
        mode: "exclusive",
        sizeBytes: 2_048 * MIB,
        save: "on-success",
        preload: undefined,
      },
    ]);
  });

  it("have names and places of their own, and no more room than the worker gives", () => {
    const caches = [cache("a", "/a"), cache("a", "/b"), { ...cache("c", "/a"), sizeMiB: 5_000 }];
    expect(cacheIssues(caches, settings)).toEqual([
      { path: "caches[1].name", message: "is that of caches[0] already" },
      { path: "caches[2].path", message: "is that of caches[0] already" },
      { path: "caches[2].sizeMiB", message: expect.stringContaining("is more than a cache may have on this worker") },
    ]);
    expect(cacheIssues([cache("a", "/a")], settings)).toEqual([]);
  });

  it("are kept after success, and after a failure only where the task says so", () => {
    const [onSuccess, always, shared] = cacheRequests([
      cache("a", "/a"),
      { ...cache("b", "/b"), save: "always" },
      { ...cache("c", "/c"), save: "always", mode: "shared" },
    ]);
    const saved = (state: "completed" | "failed" | "exception") =>
      [onSuccess, always, shared].map((request) => request !== undefined && isSaved(request, { state }));
    expect(saved("completed")).toEqual([true, true, false]);
    expect(saved("failed")).toEqual([false, true, false]);
    expect(saved("exception")).toEqual([false, false, false]);
  });

  it("are locked in the same order by all tasks", () => {
    const names = ["c", "a", "b"].map((name) => ({ name }));
    expect(inLockingOrder(names).map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });
});
