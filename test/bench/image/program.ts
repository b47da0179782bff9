/** The program that is measured, made as the command line is: bundled, and compiled when it starts for the first time. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { bundlePrograms } from "../../../scripts/bundle-programs.ts";
import type { Scope } from "../../../src/base/scope.ts";

const BUILD = fileURLToPath(new URL("../../../build", import.meta.url));

/** What starts it, without its arguments. */
export async function buildProgram(scope: Scope): Promise<readonly [string, ...string[]]> {
  await mkdir(BUILD, { recursive: true });
  // As deep as the folder of the command line: what it reads beside itself is found the same way.
  const folder = await mkdtemp(join(BUILD, "bench-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const output = await bundlePrograms({ work: "test/bench/image/work.ts" });
  for (const file of output) {
    await writeFile(join(folder, file.fileName), file.type === "chunk" ? file.code : file.source);
  }
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  const program = join(folder, "work.js");
  const env = { NODE_COMPILE_CACHE: join(folder, "compiled") };
  for (const work of ["pack", "import"]) await execa(process.execPath, [program, work], { env, reject: false });
  return ["env", `NODE_COMPILE_CACHE=${env.NODE_COMPILE_CACHE}`, process.execPath, program];
}
