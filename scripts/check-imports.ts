/** Checks that imports in src/ point downwards; prints every one that does not. */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { checkImports, findImports } from "./import-rules.ts";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const paths = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => path.split(sep).join("/"))
  .sort();
const files = paths.map((path) => ({ path, imports: findImports(readFileSync(join(root, path), "utf8")) }));
const violations = checkImports(files);
for (const { path, line, message } of violations) process.stderr.write(`src/${path}:${line}: ${message}\n`);
process.exitCode = violations.length === 0 ? 0 : 1;
