/** `boxcar vm snapshot`, as the command line knows it. */
import { Command, InvalidArgumentError } from "commander";
import type { CliContext } from "../../context.ts";
import { type OutputFlag, outputOption, parseDurationMs } from "../flags.ts";
import type { SaveFlags } from "./snapshots.ts";

const MACHINE = ["<machine>", "id, name, or the first 3 digits or more of an id"] as const;
const SNAPSHOT = ["<snapshot>", "id, name, or the first 3 digits or more of an id"] as const;
const load = () => import("./snapshots.ts");
const loadArchives = () => import("./archives.ts");

const EXAMPLES = `
Examples:
  boxcar vm snapshot save dev ready
  boxcar vm restore dev ready                         dev goes back to that
  boxcar vm clone ready try                           another machine goes on from there
  boxcar vm snapshot export ready ready.tar.zst`;

export function snapshotCommand(context: CliContext): Command {
  const snapshot = new Command("snapshot")
    .description("save machines as they are at one instant, with all that runs in them")
    .addHelpText("after", EXAMPLES);
  for (const command of [saveCommand, listCommand, inspectCommand, removeCommand, exportCommand, importCommand]) {
    snapshot.addCommand(command(context));
  }
  return snapshot;
}

function saveCommand(context: CliContext): Command {
  return new Command("save")
    .description("save a machine that runs or is paused; it goes on, whatever fails")
    .argument(...MACHINE)
    .argument("[name]", "what the snapshot is called; no other one has the name")
    .option("--description <text>", "what it is good for")
    .option("--expires <duration>", "when it may be removed (default: never)", parseDurationMs)
    .addOption(outputOption())
    .addHelpText(
      "after",
      `\nExamples:\n  boxcar vm snapshot save dev ready\n  boxcar vm snapshot save dev --expires 8h`,
    )
    .action(async (ref: string, name: string | undefined, flags: SaveFlags, command: Command) =>
      (await load()).save(ref, name, flags, { context, command }),
    );
}

function listCommand(context: CliContext): Command {
  return new Command("list")
    .alias("ls")
    .description("list saved machines, the newest first; also those of tasks")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm snapshot list\n  boxcar vm snapshot list -o json | jq -r '.[].id'")
    .action(async (flags: OutputFlag, command: Command) => (await load()).list(flags, { context, command }));
}

function inspectCommand(context: CliContext): Command {
  return new Command("inspect")
    .alias("show")
    .description("show what is known of a saved machine")
    .argument(...SNAPSHOT)
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm snapshot inspect ready\n  boxcar vm snapshot inspect ready -o json")
    .action(async (ref: string, flags: OutputFlag, command: Command) =>
      (await load()).inspect(ref, flags, { context, command }),
    );
}

function removeCommand(context: CliContext): Command {
  return new Command("rm")
    .description("remove saved machines; machines that were made of them stay whole")
    .argument("<snapshot...>", "id, name, or the first 3 digits or more of an id")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm snapshot rm ready 3fa")
    .action(async (refs: string[], flags: OutputFlag, command: Command) =>
      (await load()).remove(refs, flags, { context, command }),
    );
}

function exportCommand(context: CliContext): Command {
  return new Command("export")
    .description("write a saved machine as one file; its image is not in it")
    .argument(...SNAPSHOT)
    .argument("<file>", "a tar.zst; one that is there is replaced")
    .option("--level <number>", "of zstd, 1 to 19 (default: 3)", parseLevel)
    .addOption(outputOption())
    .addHelpText(
      "after",
      `\nExamples:\n  boxcar vm snapshot export ready ready.tar.zst\n\nAll the secrets that were in its memory are in that file; it is readable by its owner only.`,
    )
    .action(async (ref: string, file: string, flags: OutputFlag & { level?: number }, command: Command) =>
      (await loadArchives()).exportTo(ref, file, flags, { context, command }),
    );
}

function importCommand(context: CliContext): Command {
  return new Command("import")
    .description("bring in a saved machine from a file; its image must be in the store")
    .argument("<file>", "as export writes it")
    .option("-n, --name <name>", "what it is called (default: what it was called)")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm snapshot import ready.tar.zst --name theirs")
    .action(async (file: string, flags: OutputFlag & { name?: string }, command: Command) =>
      (await loadArchives()).importFrom(file, flags, { context, command }),
    );
}

function parseLevel(text: string): number {
  const level = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (level >= 1 && level <= 19) return level;
  throw new InvalidArgumentError("It must be a number from 1 to 19.");
}
