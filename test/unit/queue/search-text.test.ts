import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { searchTerm, searchText } from "../../../src/queue/postgres/search-text.ts";

const ID = "Abcdefghijklmnopqrstuv";

describe("what a task is found by", () => {
  it("is its id, its name and what its tags say, a line of each", () => {
    const tags = { os: "Linux", note: "two\nlines\u0000here" };
    expect(searchText(ID, { metadata: { name: "Unit Tests" }, tags })).toBe(
      "abcdefghijklmnopqrstuv\nunit tests\nlinux\ntwo lines here",
    );
    expect(searchText(ID, {})).toBe("abcdefghijklmnopqrstuv\n");
  });

  it("fits into an index, is text that a database takes, and keeps the id", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 4_096, unit: "binary" }), { maxLength: 100 }), (values) => {
        const tags = Object.fromEntries(values.map((value, index) => [String(index), value]));
        const text = searchText(ID, { tags });
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2_000);
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toContain("\u0000");
        expect(text).toMatch(/^abcdefghijklmnopqrstuv\n/);
      }),
      { numRuns: 100 },
    );
    expect(searchText(ID, { tags: { a: "😀".repeat(1_000) } })).toMatch(/😀$/u);
  });

  it("is looked for in lower case; nothing is looked for by nothing", () => {
    expect(searchTerm("  Unit\nTESTS ")).toBe("unit tests");
    expect([searchTerm(undefined), searchTerm(""), searchTerm(" \u0000 ")]).toEqual([undefined, undefined, undefined]);
  });
});
