/** The keeper, compiled when it is first needed and kept for as long as neither its source nor the compiler changes. */
import { createHash } from "node:crypto";
import { access, constants, mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../base/errors.ts";
import { CommandError, runCommand } from "../../host/command.ts";
import { requirePrivate } from "../../host/private-directory.ts";
import { identifyProgram } from "../../host/program.ts";
import { namespaceError } from "./namespace-error.ts";

const COMPILER = "cc";
const FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra"];
const SOURCE = "src/network/namespace/keeper.c";
const COMPILE_TIMEOUT_MS = 60_000;

let count = 0;

/**
 * The absolute path of the program. Several processes may ask at the same time.
 *
 * @param cacheDirectory Absolute path; made if it is not there, and nobody else's.
 * @throws {WorkerError} `network-namespace-failed`: it cannot be compiled here.
 */
export async function obtainKeeper(cacheDirectory: string): Promise<string> {
  const source = await readSource();
  const hash = createHash("sha256").update(source).update(FLAGS.join(" "));
  const id = hash.update(await identifyProgram(COMPILER)).digest("hex");
  const program = join(cacheDirectory, `keeper-${id.slice(0, 32)}`);
  await mkdir(cacheDirectory, { recursive: true, mode: 0o700 });
  await requirePrivate(cacheDirectory);
  if (!(await isProgram(program))) await compile(source, program);
  return program;
}

async function compile(source: string, program: string): Promise<void> {
  const draft = `${program}.${process.pid}-${count++}`;
  try {
    const command = [COMPILER, ...FLAGS, "-x", "c", "-o", draft, "-"] as const;
    await runCommand([...command], { input: source, timeoutMs: COMPILE_TIMEOUT_MS, cwd: dirname(program) });
    await rename(draft, program);
  } catch (error) {
    await rm(draft, { force: true });
    const missing = error instanceof CommandError && error.code === "command-not-found";
    const remedy = "install a C compiler (Debian: gcc and libc6-dev)";
    const why = missing ? "there is no C compiler" : `its helper does not compile: ${messageOf(error)}`;
    throw namespaceError(`${why}; ${remedy}`, error);
  }
}

async function isProgram(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** From the root of this package, however deep this file is in what was made of it. */
async function readSource(): Promise<string> {
  for (let at = new URL(".", import.meta.url); ; at = new URL("..", at)) {
    const found = await readFile(fileURLToPath(new URL(SOURCE, at)), "utf8").catch(() => undefined);
    if (found !== undefined) return found;
    if (at.pathname === "/") throw namespaceError(`${SOURCE} is missing from this package; install it again`);
  }
}
