/** What a program says of its version; asked once, until the program is replaced. */
import { runCommand } from "./command.ts";
import { identifyProgram } from "./program.ts";

const TIMEOUT_MS = 10_000;

const asked = new Map<string, Promise<string>>();

/** The first line. @throws {CommandError} There is no such program, or it does not answer. */
export async function describeVersion(binary: string): Promise<string> {
  const key = await identifyProgram(binary);
  const known = asked.get(key);
  if (known !== undefined) return await known;
  const answer = runCommand([binary, "--version"], { timeoutMs: TIMEOUT_MS }).then(
    ({ stdout }) => stdout.split("\n", 1)[0]?.trim() ?? "",
  );
  asked.set(key, answer);
  answer.catch(() => asked.delete(key));
  return await answer;
}
