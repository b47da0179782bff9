/** `boxcar logs`: what a task prints, while it runs and later. */
import { Command, InvalidArgumentError } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import { addServerOptions, SERVER_HELP, type ServerFlags } from "../server/server-options.ts";
import { parseRun } from "./shell-command.ts";

const EXAMPLES = `
Examples:
  boxcar logs pX3                     the log of its last run
  boxcar logs -f pX3                  from the beginning, and what comes until it ends
  boxcar logs -f --from -2000 pX3     only the end of what there is, and what comes
  boxcar logs pX3 --console           what its machine wrote to the serial console
`;

interface LogsFlags extends ServerFlags {
  follow?: boolean;
  from?: number;
  run?: number;
  console?: boolean;
}

export function logsCommand(context: CliContext): Command {
  const logs = new Command("logs").description("print the log of a task");
  logs
    .argument("<task>", "id of a task, or the beginning of it")
    .option("-f, --follow", "wait for its run, and print what comes until it ends")
    .option("--from <offset>", "from this byte on; a negative number counts from the end", parseOffset)
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun)
    .option("--console", "the serial console of a run that has ended, instead of the log");
  return addServerOptions(logs)
    .addHelpText("after", EXAMPLES + SERVER_HELP)
    .action(async (task: string, flags: LogsFlags, command: Command) => {
      const [{ tryNamedServer }, { openLocalLogs, serverLogs }, { printLog }] = await Promise.all([
        import("../server/server.ts"),
        import("./log-places.ts"),
        import("./logs.ts"),
      ]);
      const { follow = false, from = 0, run, console = false } = flags;
      const name = console ? "console.log" : "task.log";
      const server = await tryNamedServer(flags, context);
      await using places =
        server === undefined ? await openLocalLogs(await configOf(context, command)) : serverLogs(server);
      await printLog({ task, run: run ?? "latest", name, follow, from }, places, context);
    });
}

function parseOffset(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}
