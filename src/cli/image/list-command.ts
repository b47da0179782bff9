/** `boxcar image list`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { ListFlags } from "./list.ts";

const EXAMPLES = `
Examples:
  boxcar image list                       those of this host, the most recently used first
  boxcar image list --from /srv/registry  the names in a registry
  boxcar image list --json | jq -r '.[].digest'`;

export function listCommand(context: CliContext): Command {
  return new Command("list")
    .alias("ls")
    .description("list the images, the most recently used first")
    .option("--from <registry>", "list a registry instead: its name in images.registries, its URL or its folder")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: ListFlags, command: Command) => {
      const { listImages } = await import("./list.ts");
      await listImages(flags, await configOf(context, command), context);
    });
}
