/** `boxcar vnc`: the screen of a task's machine, in a viewer or a browser. */
import { Command, InvalidArgumentError } from "commander";
import type { CliContext } from "../context.ts";
import { addServerOptions, SERVER_HELP, type ServerFlags } from "../server/server-options.ts";
import { parseRun } from "./shell-command.ts";

const EXAMPLES = `
Examples:
  boxcar vnc pX3                            an address for VNC viewers, good until Ctrl-C
  boxcar vnc pX3 --open                     a viewer that is installed here
  boxcar vnc pX3 --view                     to look only: keys and mouse are dropped by the worker
  boxcar vnc pX3 --url                      a link for a browser, good for one use within a minute

Only programs of the same user are let in at the address.`;

interface VncFlags extends ServerFlags {
  run?: number;
  view?: boolean;
  url?: boolean;
  open?: boolean;
  port?: number;
}

export function vncCommand(context: CliContext): Command {
  const vnc = new Command("vnc").description("show the screen of a task, with keyboard and mouse");
  vnc
    .argument("<task>", "id of a task, or the beginning of it")
    .option("--view", "look only")
    .option("--url", "print a link for a browser, and end")
    .option("--open", "start a viewer")
    .option("--port <number>", "of the address on this host (default: one that is free)", parsePort)
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun);
  return addServerOptions(vnc)
    .addHelpText("after", EXAMPLES + SERVER_HELP)
    .action(async (task: string, flags: VncFlags, command: Command) => {
      const { serverOf } = await import("../server/server.ts");
      const server = await serverOf(flags, context, command);
      const wanted = { server, task, run: flags.run ?? "latest", mode: flags.view ? "view" : "control" } as const;
      if (flags.url) {
        const { printLink } = await import("./link.ts");
        await printLink({ ...wanted, kind: "display" }, context);
        return;
      }
      const { serveDisplay } = await import("./vnc.ts");
      await serveDisplay({ ...wanted, port: flags.port ?? 0, open: flags.open ?? false }, context);
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("It must be a port, from 1 to 65535.");
}
