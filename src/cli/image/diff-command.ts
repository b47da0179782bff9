/** `boxcar image diff`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { DiffFlags } from "./diff.ts";

const EXAMPLES = `
Examples:
  boxcar image diff debian-minimal debian-ci             everything
  boxcar image diff debian-ci new.tar.zst --packages     only what is installed
  boxcar image diff old.tar.zst new.tar.zst --no-files   at once, without a machine that looks into the disks

Exit codes: 0 the same, 1 different, 2 or more: it could not be found out, or not of all.`;

export function diffCommand(context: CliContext): Command {
  return new Command("diff")
    .description("show what differs between two images")
    .argument("<image>", "A: name, digest, the first 6 digits of a digest, or an archive")
    .argument("<other-image>", "B: the same")
    .option("--machine", "compare machine.json, kernel and initrd")
    .option("--provenance", "compare where the images come from")
    .option("--packages", "compare what is installed")
    .option("--files", "compare the files on the disks")
    .option("--no-files", "compare all but the files")
    .option("--inspector <image>", "image of the machine that looks into the disks (default: images.default)")
    .option("--timeout <duration>", "how long that may take", "10 minutes")
    .option("--all", "show every file and package, not only the first of many")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (a: string, b: string, flags: DiffFlags, command: Command) => {
      const { diff } = await import("./diff.ts");
      await diff(a, b, flags, await configOf(context, command), context);
    });
}
