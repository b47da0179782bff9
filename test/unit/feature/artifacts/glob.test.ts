import fc from "fast-check";
import picomatch from "picomatch";
import { describe, expect, it } from "vitest";
import { type Glob, matches, parsePattern, patternProblem } from "../../../../src/feature/artifacts/glob.ts";

function globOf(pattern: string): Glob {
  const parsed = parsePattern(pattern);
  if ("path" in parsed) throw new Error(`${pattern} has no wildcard`);
  return parsed;
}

describe("a path with wildcards", () => {
  it.each([
    ["out/*.log", "out"],
    ["/tmp/a/b*/c", "/tmp/a"],
    ["*.txt", "."],
    ["**/*.xml", "."],
    ["./out/*.xml", "out"],
    ["out//deep/./*.xml", "out/deep"],
    ["../x/?", "../x"],
    ["/srv/[[]1]/*", "/srv/[1]"],
    ["C:\\out\\*.log", "."],
  ])("%s looks below %s", (pattern, folder) => {
    expect(globOf(pattern).folder).toBe(folder);
  });

  it.each([
    ["/tmp/report", "/tmp/report"],
    ["report[[]1].txt", "report[1].txt"],
    ["what[?]", "what?"],
    ["[*][*]", "**"],
    ["a[b", "a[b"],
    ["a]b", "a]b"],
    ["out//x", "out//x"],
  ])("%s is none: it means %s alone", (pattern, path) => {
    expect(parsePattern(pattern)).toEqual({ path });
  });

  it.each([
    ["x/*.log", "a.log"],
    ["x/*.log", ".log.log", false],
    ["x/*.log", "b/a.log", false],
    ["x/*", "a"],
    ["x/*", ".hidden", false],
    ["x/.*", ".hidden"],
    ["x/?", "é"],
    ["x/?", "😀"],
    ["x/?", "ab", false],
    ["x/[a-c]1", "b1"],
    ["x/[a-c]1", "d1", false],
    ["x/[!a-c]1", "d1"],
    ["x/[^a-c]1", "b1", false],
    ["x/[]]", "]"],
    ["x/[a-]", "-"],
    ["x/[!.]hidden", ".hidden", false],
    ["x/**", "a"],
    ["x/**", "a/b/c"],
    ["x/**", "a/.git/c", false],
    ["x/**", "a/.c", false],
    ["x/**/*.c", "a.c"],
    ["x/**/*.c", "a/b/a.c"],
    ["x/**/.git/**", "a/.git/config"],
    ["x/**/b/*.o", "b/c/1.o", false],
    ["x*/a/**/b/*.o", "x1/a/q/b/b/1.o"],
    ["x/a**b/c", "azzb/c"],
    ["x/a**b/c", "az/zb/c", false],
    ["x/*/", "a"],
    ["x/**/**/a", "a"],
  ] as [string, string, false?][])("%s against %s: %s", (pattern, path, expected) => {
    expect(matches(globOf(pattern), path)).toBe(expected ?? true);
  });

  it.each([
    ["/*.txt", "name a folder"],
    ["/**", "name a folder"],
    ["//*", "name a folder"],
    ["out/*/../x", '".."'],
    [`out/${"a".repeat(1_020)}*`, "1024 characters"],
  ])("%s is refused", (pattern, why) => {
    expect(patternProblem(pattern)).toContain(why);
  });

  it.each(["../out/*.txt", "*", "/tmp/*", "a".repeat(4_000), "/"])("%s is not", (path) => {
    expect(patternProblem(path)).toBeUndefined();
  });

  it("means what picomatch says it does", () => {
    const literal = fc.constantFrom("a", "b", "aa", "ab", ".a", "a.b");
    const wildcard = fc.constantFrom("*", "?", "a*", "*b", ".*", "?a", "*a*b", "[ab]", "[^a]b", "[a-b]*", "**");
    const pattern = fc.array(fc.oneof(literal, wildcard), { minLength: 1, maxLength: 5 });
    const path = fc.array(fc.oneof(literal, fc.constantFrom("aab", "bab", "b.a", ".ab")), {
      minLength: 1,
      maxLength: 5,
    });
    const property = fc.property(pattern, path, (patternNames, pathNames) => {
      // At the end, picomatch takes it for the folder itself too.
      fc.pre(patternNames.at(-1) !== "**");
      const glob = globOf(`*/${patternNames.join("/")}`);
      const expected = picomatch(patternNames.join("/"))(pathNames.join("/"));
      expect(matches(glob, `x/${pathNames.join("/")}`)).toBe(expected);
    });
    fc.assert(property, { numRuns: 3_000 });
  });

  it("is compared in a time that no pattern makes long", () => {
    // A regular expression of the same pattern does not end in a lifetime.
    const hostile = `x/${"*a".repeat(500)}b`;
    const name = "a".repeat(4_000);
    expect(matches(globOf(hostile), name)).toBe(false);
    expect(matches(globOf(`x/${"**/".repeat(300)}b`), "a/".repeat(200).slice(0, -1))).toBe(false);
  });
});
