import { describe, expect, it } from "vitest";
import { argumentsOf, commandOfScript, scriptOf } from "../../../src/dashboard/features/submit/command.ts";
import { changeText, parseText, printDocument } from "../../../src/dashboard/features/submit/document-text.ts";
import { issuesAt, issuesOf, pathText } from "../../../src/dashboard/features/submit/issues.ts";

const TEXT = `# what we always run
metadata:
  name: hello # a name
payload:
  command: [make, test]
  env:
    A: "1"
`;

describe("a task definition as text", () => {
  it("keeps comments when a place is changed in YAML", () => {
    const text = changeText(TEXT, "yaml", ["payload", "machine", "memory"], 2_048);
    expect(text).toContain("# what we always run");
    expect(text).toContain("# a name");
    expect(parseText(text)).toMatchObject({
      value: { payload: { machine: { memory: 2_048 }, command: ["make", "test"] } },
    });
  });

  it.each(["yaml", "json"] as const)("leaves out what is empty, but the payload, in %s", (format) => {
    const start = printDocument({ metadata: { name: "a" }, payload: { env: { A: "1" } } }, format);
    const removed = changeText(
      changeText(start, format, ["payload", "env", "A"], undefined),
      format,
      ["metadata", "name"],
      undefined,
    );
    expect(parseText(removed)).toEqual({ isValid: true, value: { payload: {} } });
  });

  it("has the lines of a script as they were written, however long they are", () => {
    const script = `\nprintf 'one'\n${"word ".repeat(60)}\nexit 3\n`;
    const text = printDocument({ payload: { command: ["sh", "-c", script] } }, "yaml");
    expect(text).toMatch(/^ +printf 'one'\n +word .*\n +exit 3$/m);
    expect(parseText(text)).toEqual({ isValid: true, value: { payload: { command: ["sh", "-c", script] } } });
  });

  it.each(["yaml", "json"] as const)("puts an object where another value was, in %s", (format) => {
    const start = printDocument({ payload: { machine: "large" } }, format);
    const text = changeText(start, format, ["payload", "machine", "cores"], 2);
    expect(parseText(text)).toEqual({ isValid: true, value: { payload: { machine: { cores: 2 } } } });
  });

  it("says in which line it cannot be read, and changes nothing then", () => {
    expect(parseText("a: 1\nb: [")).toMatchObject({ isValid: false, line: 2 });
    expect(parseText("- a list")).toMatchObject({ isValid: false });
    expect(changeText("b: [", "yaml", ["a"], 1)).toBe("b: [");
  });

  it("does not unfold a document without end", () => {
    const bomb = [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      ..."bcdefgh".split("").map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[at]}`).join(",")}]`),
    ];
    expect(parseText(bomb.join("\n"))).toMatchObject({ isValid: false });
  });
});

describe("the command of a task", () => {
  it("is a script where a shell runs it", () => {
    expect(scriptOf(["bash", "-exc", "a\nb"])).toEqual({ shell: ["bash", "-exc"], script: "a\nb" });
    expect(scriptOf(commandOfScript("x"))).toEqual({ shell: ["sh", "-ec"], script: "x" });
    expect(scriptOf(["sh", "-c", "x", "argument"])).toBeUndefined();
    expect(scriptOf(["make", "-c", "x"])).toBeUndefined();
    expect(argumentsOf(["a", 1])).toBeUndefined();
  });
});

describe("issues", () => {
  it("belong to a place and what is in it", () => {
    expect(pathText(["payload", "artifacts", 0, "my name"])).toBe('payload.artifacts[0]["my name"]');
    const issues = ["payload.env.A", "payload.environment", "payload.env", "payload"].map((path) => ({
      path,
      message: "",
    }));
    expect(issuesAt(issues, ["payload", "env"]).map(({ path }) => path)).toEqual(["payload.env.A", "payload.env"]);
  });

  it("are found in what an error has with it", () => {
    const issue = { path: "a", message: "b" };
    expect([issuesOf([issue]), issuesOf({ issues: [issue, 1] }), issuesOf(undefined)]).toEqual([[issue], [issue], []]);
  });
});
