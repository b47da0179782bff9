/** `boxcar image import`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { ImportFlags } from "./import.ts";

const EXAMPLES = `
Examples:
  boxcar image import my.tar.zst --tag my   with my.tar.zst.sig, if there is one
  boxcar image import my.tar.zst --discard  without keeping the archive beside the image`;

export function importCommand(context: CliContext): Command {
  return new Command("import")
    .description("check an archive and bring it into the store")
    .argument("<archive>", "a .tar.zst file")
    .option("--tag <name>", "name it gets")
    .option("--discard", "do not keep the archive: export packs another one then, and there is nothing to push")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (archive: string, flags: ImportFlags, command: Command) => {
      const { importArchive } = await import("./import.ts");
      await importArchive(archive, flags, await configOf(context, command), context);
    });
}
