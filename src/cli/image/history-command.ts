/** `boxcar image history`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar image history debian-ci              what was done for it and all it lies on, the newest first
  boxcar image history debian-ci --json`;

export function historyCommand(context: CliContext): Command {
  return new Command("history")
    .description("show how an image came to be")
    .argument("<image>", "name, digest, or the first 6 digits of a digest")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, flags: { json?: boolean }, command: Command) => {
      const { showHistory } = await import("./history.ts");
      await showHistory(reference, flags, await configOf(context, command), context);
    });
}
