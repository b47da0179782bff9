/** `boxcar image show`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { ShowFlags } from "./show.ts";

const EXAMPLES = `
Examples:
  boxcar image show debian-ci                 sizes, what it lies on, who has signed it, its machine
  boxcar image show debian-ci --json          and its packages`;

export function showCommand(context: CliContext): Command {
  return new Command("show")
    .alias("inspect")
    .description("show what is known of one image")
    .argument("<image>", "name, digest, or the first 6 digits of a digest")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, flags: ShowFlags, command: Command) => {
      const { show } = await import("./show.ts");
      await show(reference, flags, await configOf(context, command), context);
    });
}
