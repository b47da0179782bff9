/** Which worker a command speaks to: `--server`, else BOXCAR_SERVER, else the one of this host. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { WorkerError } from "../../base/errors.ts";
import { whyUnreadable } from "../../base/why-unreadable.ts";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import { controlSocket } from "../worker/control-socket.ts";
import type { ServerAddress } from "./address.ts";
import { requestJson, type ServerRequest } from "./request.ts";
import type { ServerFlags } from "./server-options.ts";

/** @throws {WorkerError} `bad-server`, `bad-token`: an address or a token that is no good. */
export async function serverOf(flags: ServerFlags, context: CliContext, command: Command): Promise<ServerAddress> {
  const named = await tryNamedServer(flags, context);
  return named ?? { socketPath: controlSocket(await configOf(context, command)) };
}

/** Undefined: that of this host. @throws as {@link serverOf} does. */
export async function tryNamedServer(flags: ServerFlags, context: CliContext): Promise<ServerAddress | undefined> {
  const { env } = context.surroundings;
  const text = flags.server ?? env["BOXCAR_SERVER"];
  if (text === undefined || text === "") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const subject = flags.server === undefined ? "BOXCAR_SERVER" : "--server";
    throw mistake("bad-server", `${subject} must be an address such as https://ci.example.com, not ${text}`);
  }
  // As documents about the API have it.
  url.pathname = url.pathname.replace(/\/api\/v1\/*$/, "/");
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
  if (tokenFile === undefined) return checkToken(env["BOXCAR_TOKEN"]?.trim() || undefined, "BOXCAR_TOKEN");
  const text = await readFile(tokenFile, "utf8").catch((error: unknown) => {
    throw mistake("bad-token", `the token file ${tokenFile} cannot be read: ${whyUnreadable(error)}`);
  });
  return checkToken(text.trim(), `the token file ${tokenFile}`);
}

/** What a header cannot have is no token. */
function checkToken(token: string | undefined, subject: string): string | undefined {
  if (token === "") throw mistake("bad-token", `${subject} is empty`);
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token;
  throw mistake("bad-token", `${subject} has more in it than a token, which is one word`);
}

function mistake(code: string, message: string): WorkerError {
  return new WorkerError(message, { code, blame: "task" });
}
