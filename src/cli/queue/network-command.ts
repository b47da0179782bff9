/** `boxcar queue network`: what a task asked of its network, while it runs and later. */
import { Command, InvalidArgumentError } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar queue network pX3                  what its last run asked for, and what was refused
  boxcar queue network pX3 --refused        only what was refused
  boxcar queue network pX3 --json           all that is counted, too`;

export interface NetworkFlags {
  run?: number;
  refused?: boolean;
  json?: boolean;
}

export function networkCommand(context: CliContext): Command {
  return new Command("network")
    .description("show what a task asked of its network")
    .argument("<task>", "id of a task, or the beginning of it")
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun)
    .option("--refused", "only what was refused")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (task: string, flags: NetworkFlags, command: Command) => {
      const config = await configOf(context, command);
      const { printNetwork } = await import("./network.ts");
      await printNetwork({ task, run: flags.run ?? "latest" }, flags, config, context);
    });
}

function parseRun(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a number.");
}
