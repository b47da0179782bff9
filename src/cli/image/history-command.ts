/** `boxcar image history`, as the command line knows it. */
import { Command } from "commander";
import { imageHistory } from "../../image/store/history.ts";
import { configOf } from "../config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { historyTable } from "./describe.ts";

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
      const config = await configOf(context, command);
      await using store = await (await import("../store.ts")).openStore(config);
      const image = await store.inspect(reference);
      const history = imageHistory([image, ...(await store.ancestors(image))]);
      if (flags.json) printJson(context, history);
      else print(context, historyTable(history));
    });
}
