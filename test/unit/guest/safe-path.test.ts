import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unsafePathReason } from "../../../src/base/relative-path.ts";
import { safeRelativePath } from "../../../src/guest/safe-path.ts";

describe("safeRelativePath", () => {
  it.each(["a", "a/b", "..a", "a..", "...", ".hidden/x", "with space", "ü/🚃", "-rf", "a\\b", "x".repeat(255)])(
    "takes %j as it is",
    (path) => {
      expect(safeRelativePath(path)).toBe(path);
    },
  );

  it.each([
    ["", "it is empty"],
    ["/a", "it is absolute"],
    ["/", "it is absolute"],
    ["..", 'it has the part ".."'],
    ["a/../b", 'it has the part ".."'],
    ["a/..", 'it has the part ".."'],
    ["./a", 'it has the part "."'],
    ["a//b", 'it has the part ""'],
    ["a/", 'it has the part ""'],
    ["a\0b", "it has control characters"],
    ["a\nb", "it has control characters"],
    ["a\u007f", "it has control characters"],
    ["\ud800", "it is not valid Unicode"],
    ["x".repeat(256), "it has a part longer than 255 bytes"],
    ["ü".repeat(128), "it has a part longer than 255 bytes"],
    ["x/".repeat(2_100), "it is longer than 4096 bytes"],
  ])("refuses %j and says why", (path, reason) => {
    expect(unsafePathReason(path)).toBe(reason);
    expect(() => safeRelativePath(path)).toThrow(expect.objectContaining({ code: "unsafe-path", blame: "task" }));
  });

  it("never lets a path out of the folder it is relative to", () => {
    const part = fc.oneof(fc.constantFrom("", ".", "..", "a", "\0", "/", "~"), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(fc.array(part), fc.constantFrom("/", "//", ""), (parts, separator) => {
        const path = parts.join(separator);
        if (unsafePathReason(path) !== undefined) return;
        expect(posix.normalize(path)).toBe(path);
        expect(posix.resolve("/base", path)).toBe(`/base/${path}`);
      }),
      { numRuns: 2_000 },
    );
  });
});
