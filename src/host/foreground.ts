/** Programs that have the terminal of this process while they run. */
import { execa } from "execa";
import { isMissing, notInstalled } from "./command.ts";

/**
 * Runs `command` with stdin, stdout and stderr of this process.
 *
 * @returns its exit code; 128 + N after signal N.
 * @throws {CommandError} `command-not-found`
 */
export async function runInForeground([file, ...args]: readonly [string, ...string[]]): Promise<number> {
  const { exitCode, signal, code } = await execa(file, args, { stdio: "inherit", reject: false });
  if (exitCode === undefined && signal === undefined && isMissing({ code })) throw notInstalled(file);
  return exitCode ?? (signal === "SIGINT" ? 130 : 1);
}
