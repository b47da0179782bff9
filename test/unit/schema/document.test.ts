import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../src/base/errors.ts";
import { MAX_DOCUMENT_BYTES, parseDocument } from "../../../src/schema/document.ts";

const json = (text: string) => parseDocument(text, "task.json", "task");
const yaml = (text: string) => parseDocument(text, "task.yml", "task");

describe("parseDocument", () => {
  it("reads JSON, and YAML under any other name", () => {
    expect(json('{"a": [1, "b"]}')).toEqual({ a: [1, "b"] });
    expect(yaml("a:\n  - 1\n  - b # note\n")).toEqual({ a: [1, "b"] });
    expect(parseDocument("a: 1", "-", "task")).toEqual({ a: 1 });
    expect(json('\uFEFF{"a": 1}')).toEqual({ a: 1 });
  });

  it("keeps words that YAML 1.1 took for something else", () => {
    expect(yaml("a: no\nb: 12:30\nc: 2026-11-21")).toEqual({ a: "no", b: "12:30", c: "2026-11-21" });
  });

  it("says at which line and column JSON goes wrong", () => {
    expect(() => json('{\n  "a": 1,\n  b\n}')).toThrow(/task\.json has 1 issue:\n.*not JSON.*line 3 column 3/);
    expect(() => json('{\n  "a": [1')).toThrow(/line 2/);
    expect(() => json("")).toThrow("it ends too early, at line 1, column 1");
    expect(() => json("a: 1")).toThrow("is not JSON");
  });

  it("says at which line and column YAML goes wrong", () => {
    expect(() => yaml("a: 1\nb: [1, 2\nc: 3\n")).toThrow(/not YAML.*line \d+, column \d+/);
    expect(() => yaml("a: 1\na: 2\n")).toThrow(/keys must be unique.*line 2, column 1/);
    expect(() => yaml("a: 1\n---\nb: 2\n")).toThrow("is not YAML");
  });

  it("blames who wrote it", () => {
    expect(() => yaml("[")).toThrow(expect.objectContaining({ blame: "task", code: "invalid-input" }));
  });

  it("refuses documents larger than 1 MiB, counted in bytes", () => {
    expect(json(`"${"x".repeat(MAX_DOCUMENT_BYTES - 2)}"`)).toHaveLength(MAX_DOCUMENT_BYTES - 2);
    expect(() => json(`"${"ä".repeat(MAX_DOCUMENT_BYTES / 2)}"`)).toThrow("larger than 1 MiB");
  });

  it("refuses documents that are nested too deeply for those who read them", () => {
    expect(() => json("[".repeat(70) + "]".repeat(70))).toThrow("levels deep");
    expect(() => json("[".repeat(100_000) + "]".repeat(100_000))).toThrow(InvalidInputError);
    expect(() => yaml("[".repeat(5_000) + "]".repeat(5_000))).toThrow(InvalidInputError);
  });

  it("refuses YAML in which aliases grow a few lines into gigabytes", () => {
    const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}*a${i}]`);
    expect(() => yaml(`a0: &a0 [x]\n${levels.join("\n")}`)).toThrow(InvalidInputError);
  });

  it("lets a value be shared by an alias, and refuses one that contains itself", () => {
    expect(yaml("a: &x {n: 1}\nb: *x")).toEqual({ a: { n: 1 }, b: { n: 1 } });
    expect(() => yaml("a: &x [*x]")).toThrow(InvalidInputError);
  });
});
