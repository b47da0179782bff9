import { describe, expect, it } from "vitest";
import { findViolations } from "../../../scripts/check-imports.ts";

function check(path: string, specifier: string): string[] {
  return findViolations([{ path, text: `// first line\nimport { x } from "${specifier}";\n` }]);
}

describe("the import check", () => {
  it.each([
    ["vm/arguments.ts", "../host/process.ts"],
    ["vm/arguments.ts", "./limits.ts"],
    ["image/store/x.ts", "../archive/y.ts"],
    ["host/command.ts", "execa"],
    ["cli/run/command.ts", "../../worker/task-run.ts"],
  ])("lets %s import %s", (path, specifier) => {
    expect(check(path, specifier)).toEqual([]);
  });

  it.each([
    ["host/command.ts", "../vm/limits.ts", "host lies below vm"],
    ["vm/ports.ts", "../image/source.ts", "vm and its sibling image must not know each other"],
    ["vm/x.ts", "execa", "only host may import execa"],
    ["queue/x.ts", "express", "only http, guest, web may import express"],
    ["attic/x.ts", "../base/scope.ts", "attic has no place in the layers"],
  ])("says where %s imports %s", (path, specifier, problem) => {
    expect(check(path, specifier)).toEqual([`src/${path}:2: ${problem}`]);
  });
});
