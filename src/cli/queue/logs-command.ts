/** `boxcar queue logs`: what a task prints, while it runs and later. */
import { Command, InvalidArgumentError } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar queue logs pX3                     the log of its last run
  boxcar queue logs -f pX3                  from the beginning, and what comes until it ends
  boxcar queue logs -f --from -2000 pX3     only the end of what there is, and what comes
  boxcar queue logs pX3 --console           what its machine wrote to the serial console`;

interface LogsFlags {
  follow?: boolean;
  from?: number;
  run?: number;
  console?: boolean;
}

export function logsCommand(context: CliContext): Command {
  return new Command("logs")
    .description("print the log of a task")
    .argument("<task>", "id of a task, or the beginning of it")
    .option("-f, --follow", "wait for its run, and print what comes until it ends")
    .option("--from <offset>", "from this byte on; a negative number counts from the end", parseOffset)
    .option("--run <number>", "which run, from 0 (default: the last one)", parseOffset)
    .option("--console", "the serial console of a run that has ended, instead of the log")
    .addHelpText("after", EXAMPLES)
    .action(async (task: string, flags: LogsFlags, command: Command) => {
      const config = await configOf(context, command);
      const { printLog } = await import("./logs.ts");
      const { follow = false, from = 0, run, console = false } = flags;
      const name = console ? "console.log" : "task.log";
      await printLog({ task, run: run ?? "latest", name, follow, from }, config, context);
    });
}

function parseOffset(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}
