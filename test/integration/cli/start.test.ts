import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

/** Prints what is imported, with the first name of its path. */
const WATCH = `import { registerHooks } from "node:module";
registerHooks({ resolve(name, context, next) { console.error("import " + name); return next(name, context); } });`;

async function packagesLoadedBy(...args: string[]): Promise<string[]> {
  const flags = ["--import", `data:text/javascript,${encodeURIComponent(WATCH)}`];
  const { stderr } = await execa(process.execPath, [...flags, MAIN, ...args], { reject: false });
  const names = [...stderr.matchAll(/^import ((?:@[^/\n]+\/)?[a-z][^/:\n]*)(?:\/.*)?$/gm)].map(
    ([, name]) => name ?? "",
  );
  return [...new Set(names)].filter((name) => ["ajv", "commander", "execa", "express", "yaml"].includes(name)).sort();
}

it.each([[["--version"]], [["--help"]], [["help", "run"]], [["image", "build", "--help"]], [["schema", "payload"]]])(
  "boxcar %j loads nothing that it does not need",
  async (args) => {
    expect(await packagesLoadedBy(...args)).toEqual(["commander"]);
  },
);

it("loads what it needs", async () => {
  expect(await packagesLoadedBy("doctor", "--json")).toEqual(["ajv", "commander", "execa"]);
});
