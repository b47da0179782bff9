/** Which worker a command speaks to: `--server`, else BOXCAR_SERVER, else the one of this host. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { InvalidInputError } from "../../base/errors.ts";
import { configOf, whyUnreadable } from "../config.ts";
import type { CliContext } from "../context.ts";
import { controlSocket } from "../worker/control-socket.ts";
import { requestJson, type ServerAddress, type ServerRequest } from "./request.ts";
import type { ServerFlags } from "./server-options.ts";

/** @throws {InvalidInputError} for an address or a file that is no good. */
export async function serverOf(flags: ServerFlags, context: CliContext, command: Command): Promise<ServerAddress> {
  const named = await tryNamedServer(flags, context);
  return named ?? { socketPath: controlSocket(await configOf(context, command)) };
}

/** Undefined: that of this host. @throws {InvalidInputError} */
export async function tryNamedServer(flags: ServerFlags, context: CliContext): Promise<ServerAddress | undefined> {
  const { env } = context.surroundings;
  const text = flags.server ?? env["BOXCAR_SERVER"];
  if (text === undefined || text === "") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const subject = flags.server === undefined ? "BOXCAR_SERVER" : "--server";
    const issue = { path: "", message: "must be an address such as https://ci.example.com" };
    throw new InvalidInputError(subject, [issue], "task");
  }
  return { url, token: await tokenOf(flags, env) };
}

/** One question, and its answer. */
export async function ask<T>(options: ServerRequest): Promise<T> {
  return (await requestJson(options)) as T;
}

async function tokenOf(
  { tokenFile }: ServerFlags,
  env: CliContext["surroundings"]["env"],
): Promise<string | undefined> {
  if (tokenFile === undefined) return env["BOXCAR_TOKEN"]?.trim() || undefined;
  try {
    return (await readFile(tokenFile, "utf8")).trim();
  } catch (error) {
    throw new InvalidInputError(`The token file ${tokenFile}`, [{ path: "", message: whyUnreadable(error) }], "task");
  }
}
