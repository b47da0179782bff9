/** `boxcar image export`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { ExportFlags } from "./export.ts";

const EXAMPLES = `
Examples:
  boxcar image export debian-minimal -o debian.tar.zst
  boxcar image export debian-minimal -o debian.tar.zst --level 19

Where the store has kept the archive, these very bytes are written, and the signature into FILE.sig; else it is
packed anew, which gives another digest.`;

export function exportCommand(context: CliContext): Command {
  return new Command("export")
    .description("write an image of the store into a file")
    .argument("<image>", "name, digest, or the first 6 digits of a digest")
    .requiredOption("-o, --output <file>", "the archive")
    .option("--level <number>", "of zstd, where it is packed anew: 1 to 19")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, flags: ExportFlags, command: Command) => {
      const { exportToFile } = await import("./export.ts");
      await exportToFile(reference, flags, await configOf(context, command), context);
    });
}
