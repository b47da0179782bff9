import { execFileSync, spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { describeCommand, firstBootScript } from "../../../src/builder/first-boot.ts";

it("gives each program its arguments as they are, one after the other", () => {
  const script = firstBootScript([
    ["printf", "<%s>\\n", "it's", "$HOME; `id`", ""],
    ["sh", "-c", 'echo "$HOME" and more'],
  ]);
  expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe("<it's>\n<$HOME; `id`>\n<>\n/root and more\n");
});

it("ends at the first command that fails, and says which", () => {
  const script = firstBootScript([
    ["sh", "-c", "exit 4 # for \"a 'reason'\""],
    ["echo", "never"],
  ]);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toBe("first boot: exit code 4: exit 4 # for \"a 'reason'\"\n");
});

it("shows a text as it was given, and no more than a line of it", () => {
  expect(describeCommand(["sh", "-c", "a |\n  b"])).toBe("a | b");
  expect(describeCommand(["sh", "-c"])).toBe("sh -c");
  expect(describeCommand(["echo", "two words"])).toBe("echo 'two words'");
  expect(describeCommand(["sh", "-c", "x".repeat(1_000)])).toHaveLength(200);
});
