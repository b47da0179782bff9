/** The configuration a command line asks for. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { InvalidInputError, WorkerError } from "../base/errors.ts";
import { whyUnreadable } from "../base/why-unreadable.ts";
import type { Config } from "../config/config.ts";
import type { CliContext } from "./context.ts";

/** @throws {@link InvalidInputError} also for a file that is not there: who asked for it is to look at the name. */
export async function configOf(context: CliContext, command: Command): Promise<Config> {
  return await reading(() => context.loadConfig(configFileOf(command)));
}

/** What `--config` names. */
export function configFileOf(command: Command): string | undefined {
  return command.optsWithGlobals<{ config?: string }>().config;
}

/** The same for a program that starts elsewhere. */
export function absoluteConfigFile({ cwd }: Pick<CliContext, "cwd">, command: Command): string | undefined {
  const file = configFileOf(command);
  return file === undefined ? undefined : resolve(cwd, file);
}

/** Like `read()`, and a file that cannot be read is a mistake in the command line. */
export async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof WorkerError) || error.code !== "config-unreadable") throw error;
    const message = whyUnreadable(error.cause);
    throw new InvalidInputError(`The configuration ${error.details["file"]}`, [{ path: "", message }], "host");
  }
}
