import { describe, expect, it } from "vitest";
import { checkImports, findImports } from "../../../scripts/import-rules.ts";

function check(files: Record<string, string>): string[] {
  const sources = Object.entries(files).map(([path, source]) => ({ path, imports: findImports(source) }));
  return checkImports(sources).map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

describe("finding imports", () => {
  it("sees every form, with the line its specifier stands on", () => {
    const source = [
      'import { a } from "./a.ts";',
      "import type {",
      "  B,",
      '} from "../b.ts";',
      'import "./c.ts";',
      'export { d } from "./d.ts";',
      "const e = await import('./e.ts');",
    ].join("\n");
    expect(findImports(source)).toEqual([
      { specifier: "./a.ts", line: 1 },
      { specifier: "../b.ts", line: 4 },
      { specifier: "./c.ts", line: 5 },
      { specifier: "./d.ts", line: 6 },
      { specifier: "./e.ts", line: 7 },
    ]);
  });

  it("passes over comments and texts that look like imports", () => {
    const source = [
      '// import "./a.ts"',
      '/* from "./b.ts" */',
      "const text = 'from \"./c.ts\"';",
      'const url = "http://host/"; // from "./d.ts"',
      'const template = `import "./e.ts"`;',
    ].join("\n");
    expect(findImports(source)).toEqual([]);
  });
});

describe("checking imports", () => {
  it("allows what points downwards or stays in its folder", () => {
    const files = {
      "main.ts": 'import "./cli/program.ts";',
      "cli/program.ts": 'import "./run/command.ts"; import "../base/errors.ts";',
      "cli/run/command.ts": 'import "../../worker/task-run.ts"; import "../../generated/payload.ts";',
      "config/config.ts": 'import "../schema/parse.ts";',
    };
    expect(check(files)).toEqual([]);
  });

  it("refuses an import of a layer above", () => {
    expect(check({ "host/command.ts": '\nimport "../vm/machine.ts";' })).toEqual([
      "host/command.ts:2: host imports vm, which is above it",
    ]);
  });

  it("refuses an import of a sibling", () => {
    expect(check({ "vm/machine.ts": 'import type { Image } from "../image/image.ts";' })).toEqual([
      "vm/machine.ts:1: vm imports image, its sibling: let the layer above connect them",
    ]);
  });

  it("refuses the pages of a browser what is not for one", () => {
    expect(check({ "dashboard/app.tsx": 'import "../base/scope.ts";' })).toEqual([
      "dashboard/app.tsx:1: dashboard imports base; it may import generated",
    ]);
    expect(check({ "dashboard/app.tsx": 'import type { Api } from "../generated/api.ts";' })).toEqual([]);
  });

  it("refuses folders nobody has put into a layer", () => {
    expect(check({ "misc/a.ts": 'import "../base/b.ts";' })).toEqual(["misc/a.ts:1: misc/ is in no layer"]);
    expect(check({ "cli/a.ts": 'import "../misc/b.ts";' })).toEqual(["cli/a.ts:1: misc/ is in no layer"]);
  });

  it("refuses code outside of src/, but not data", () => {
    expect(check({ "base/a.ts": 'import "../../test/b.ts";' })).toEqual([
      "base/a.ts:1: imports ../test/b.ts, outside of src/",
    ]);
    expect(check({ "base/a.ts": 'import x from "../../package.json" with { type: "json" };' })).toEqual([]);
  });

  it.each([
    ["execa", "vm/a.ts", "host"],
    ["node:child_process", "cli/a.ts", "host"],
    ["child_process", "cli/a.ts", "host"],
    ["express", "worker/a.ts", "http, guest, web"],
  ])("keeps %s where it belongs", (name, path, folders) => {
    expect(check({ [path]: `import x from "${name}";` })).toEqual([
      `${path}:1: imports ${name}, which is only for ${folders}`,
    ]);
    expect(check({ [`${folders.split(",")[0]}/a.ts`]: `import x from "${name}";` })).toEqual([]);
  });

  it("leaves other packages alone", () => {
    expect(check({ "vm/a.ts": 'import "node:fs/promises"; import "constructor";' })).toEqual([]);
  });

  it("names the whole of a cycle, once", () => {
    const files = {
      "vm/a.ts": 'import "./b.ts";',
      "vm/b.ts": '\nimport "./c.ts";',
      "vm/c.ts": '\n\nimport "./a.ts";',
      "vm/d.ts": 'import "./a.ts";',
    };
    expect(check(files)).toEqual(["vm/c.ts:3: closes an import cycle: vm/a.ts → vm/b.ts → vm/c.ts → vm/a.ts"]);
  });
});
