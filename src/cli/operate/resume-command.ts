/** `boxcar resume`: the machine of a task that failed, as it was then. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addServerOptions, SERVER_HELP } from "../server/server-options.ts";
import { outputOption } from "../vm/flags.ts";
import type { ResumeFlags } from "./resume.ts";
import { parseRun } from "./shell-command.ts";

const EXAMPLES = `
Examples:
  boxcar resume pX3                         a machine as "boxcar vm" has them; prints what can be done with it
  boxcar resume pX3 --name look             and gives it a name
  boxcar resume pX3 --shell                 and opens a shell in it
  boxcar resume pX3 --run 0

Of a task with "onFailure" in its payload. Each time a copy is made, which goes on from the instant of the failure, with
its processes; "boxcar vm rm" removes it.`;

export function resumeCommand(context: CliContext): Command {
  const resume = new Command("resume").description("bring up the machine of a task that failed, as it was then");
  resume
    .argument("<task>", "id of a task, or the beginning of it")
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun)
    .option("-n, --name <name>", "what the machine is called; no other machine has the name")
    .option("--shell", "open a shell in it");
  return addServerOptions(resume)
    .addOption(outputOption())
    .addHelpText("after", EXAMPLES + SERVER_HELP)
    .action(async (task: string, flags: ResumeFlags, command: Command) => {
      const { resumeTask } = await import("./resume.ts");
      await resumeTask(task, flags, { context, command });
    });
}
