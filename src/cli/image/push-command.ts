/** `boxcar image push`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { PushFlags } from "./push.ts";

const EXAMPLES = `
Examples:
  boxcar image push debian-ci --to team              a registry of images.registries
  boxcar image push debian-ci --to /srv/registry     a folder, which is made if it is not there
  boxcar image push my.tar.zst --to team --tag my    an archive that is in no store
  boxcar image push debian-ci --to https://ci.example.com/api/v1/registry --tag stable

What it lies on goes with it, and its signatures; the name comes last.`;

export function pushCommand(context: CliContext): Command {
  return new Command("push")
    .description("send an image to a registry")
    .argument("<image>", "name, digest, the first 6 digits of a digest, or an archive")
    .requiredOption("--to <registry>", "its name in images.registries, its URL or its folder")
    .option("--tag <name>", "name it gets there (default: the one it has here)")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (image: string, flags: PushFlags, command: Command) => {
      const { push } = await import("./push.ts");
      await push(image, flags, await configOf(context, command), context);
    });
}
