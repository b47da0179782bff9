/** `boxcar image gc`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { GcFlags } from "./gc.ts";

const EXAMPLES = `
Examples:
  boxcar image gc                            until as much is free as worker.gc.minFreeDiskGiB says
  boxcar image gc --until "20 GiB free"
  boxcar image gc --all-untagged             every image without a name, however much is free
  boxcar image gc --all-untagged --dry-run   what that would remove

Kept archives go first, then snapshots, then images without a name; what is in use stays.`;

export function gcCommand(context: CliContext): Command {
  return new Command("gc")
    .description("make room: remove what can be had again, the least recently used first")
    .option("--until <free>", 'how much of the disk is to be free, such as "20 GiB free"')
    .option("--all-untagged", "remove every image without a name, with its archive, and nothing else")
    .option("--dry-run", "only say what would be removed")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: GcFlags, command: Command) => {
      const { collectByHand } = await import("./gc.ts");
      await collectByHand(flags, await configOf(context, command), context);
    });
}
