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
    .argument("<image>", "name, digest, the first 6 digits of a digest, or an archive")
    .option("--packages", "only what is installed; read from the disk if the image does not say")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, flags: ShowFlags, command: Command) => {
      const config = await configOf(context, command);
      if (flags.packages) await (await import("./packages.ts")).showPackages(reference, flags, config, context);
      else await (await import("./show.ts")).show(reference, flags, config, context);
    });
}
