/** `boxcar image warm`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { WarmFlags } from "./warm.ts";

const EXAMPLES = `
Examples:
  boxcar image warm debian-minimal                   for tasks that ask for no machine of their own
  boxcar image warm debian-minimal --task task.yml   for the machine this task asks for`;

export function warmCommand(context: CliContext): Command {
  return new Command("warm")
    .description("boot an image once and keep the booted machine, so that tasks resume it")
    .argument("<image>", "name, digest, or the first 6 digits of a digest")
    .option("--task <file>", "a task with the machine it should be made for")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, flags: WarmFlags, command: Command) => {
      const { warm } = await import("./warm.ts");
      await warm(reference, flags, await configOf(context, command), context);
    });
}
