import { expect, it } from "vitest";
import { resumeHints } from "../../../../src/cli/operate/resume-hints.ts";

it("what can be done with a machine stands in columns, however long its name is", () => {
  for (const ref of ["a", "475870f91f87", "a-name-that-is-longer-than-any-hint"]) {
    const [reason, ...hints] = resumeHints(ref, "the command failed");
    expect(reason).toBe("as it was when the command failed");
    const columns = hints.map((line) => line.search(/ {3,}/) + (/ {3,}/.exec(line)?.[0].length ?? 0));
    expect(new Set(columns)).toEqual(new Set([`boxcar vm rm --force ${ref}`.length + 3]));
  }
  expect(resumeHints("a", undefined)).toHaveLength(4);
});
