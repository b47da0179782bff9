/** How a command line names the worker to speak to. */
import type { Command } from "commander";

export interface ServerFlags {
  server?: string;
  tokenFile?: string;
}

/** For the help of every command that has them. */
export const SERVER_HELP = `

Without --server and BOXCAR_SERVER the worker of this host is asked, on its socket. A token is made by
"boxcar token create", and given as BOXCAR_TOKEN or with --token-file.`;

export function addServerOptions(command: Command): Command {
  return command
    .option("--server <url>", "a worker elsewhere (default: $BOXCAR_SERVER, or that of this host)")
    .option("--token-file <file>", "file with the token for it (default: $BOXCAR_TOKEN)");
}
