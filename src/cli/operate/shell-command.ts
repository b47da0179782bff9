/** `boxcar shell`: a shell in the machine of a task. */
import { Command, InvalidArgumentError } from "commander";
import type { CliContext } from "../context.ts";
import { addServerOptions, SERVER_HELP, type ServerFlags } from "../server/server-options.ts";

const EXAMPLES = `
Examples:
  boxcar shell pX3                          the shell of the task's user, at a terminal
  boxcar shell pX3 -- ps aux                one command; its exit code is 0 or 1
  boxcar shell pX3 -- tar -c /tmp/core > core.tar
  boxcar shell pX3 -T -- sh < script.sh

The machine must be there: while the task runs, or as long as "interactive" in its payload keeps it. To leave a shell
that does not answer type Return, ~ and .`;

interface ShellFlags extends ServerFlags {
  run?: number;
  tty?: boolean;
}

export function shellCommand(context: CliContext): Command {
  const shell = new Command("shell").description("open a shell in the machine of a task");
  shell
    .argument("<task>", "id of a task, or the beginning of it")
    .argument("[arguments...]", "program and arguments (default: a shell)")
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun)
    .option("-T, --no-tty", "no terminal in the machine (default where stdin or stdout is none)");
  return addServerOptions(shell)
    .addHelpText("after", EXAMPLES + SERVER_HELP)
    .action(async (task: string, words: string[], flags: ShellFlags, command: Command) => {
      const [{ serverOf }, { runShell }] = await Promise.all([import("../server/server.ts"), import("./shell.ts")]);
      const server = await serverOf(flags, context, command);
      const tty = flags.tty !== false && context.stdin.isTTY === true && context.stdout.isTTY === true;
      await runShell({ server, task, run: flags.run ?? "latest", command: words, tty }, context);
    });
}

export function parseRun(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a number.");
}
