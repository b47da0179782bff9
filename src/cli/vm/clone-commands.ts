/** `boxcar vm clone` and `boxcar vm restore`, as the command line knows them. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import type { CloneFlags } from "./clone.ts";
import { type OutputFlag, outputOption, parseCount, parseForward } from "./flags.ts";

const CLONE = `
Examples:
  boxcar vm clone dev try                 a copy of dev as it is now, under the name try; dev goes on
  boxcar vm clone dev shard --count 30    shard-1 to shard-30
  boxcar vm clone ready                   of the snapshot ready; without a name of its own
  boxcar vm clone ready web -p 8080:80
  boxcar vm clone dev --keep ready try    the snapshot that it is made of stays, as ready

Each copy has a host name, ids, keys and random numbers of its own; what runs in it goes on.`;

const RESTORE = `
Examples:
  boxcar vm snapshot save dev ready
  boxcar vm restore dev ready    what has happened since is gone; what ran then runs on

All that can fail is done before the machine is ended. What it is called inside stays as it is.`;

export function cloneCommand(context: CliContext): Command {
  return new Command("clone")
    .description("make copies of a machine that go on where it is, or where it was saved")
    .argument("<source>", "a machine, or a snapshot, by id, name or the beginning of an id; or the folder of one")
    .argument("[name]", "what the copy is called")
    .option("--count <number>", "how many; they are called NAME-1, NAME-2, …", parseCount)
    .option("--keep <name>", "keep the snapshot of the machine that is made for this, under this name")
    .option("--network <policy>", "isolated, internet, or allow=NAME,SUBNET:PORT (default: as the machine has)")
    .option("-p, --publish <ports>", "[ADDRESS:]PORT:GUEST-PORT, or GUEST-PORT; may be repeated", parseForward)
    .option("--no-wait", "end when they run, not when their guests are in contact")
    .addOption(outputOption())
    .addHelpText("after", CLONE)
    .action(async (source: string, name: string | undefined, flags: CloneFlags, command: Command) => {
      const { clone } = await import("./clone.ts");
      await clone(source, name, flags, { context, command });
    });
}

export function restoreCommand(context: CliContext): Command {
  return new Command("restore")
    .description("have a machine go back to what it was when it was saved")
    .argument("<machine>", "id, name, or the first 3 digits or more of an id")
    .argument("<snapshot>", "of that machine: id, name, or the first 3 digits or more of an id")
    .option("--no-wait", "end when it runs, not when its guest is in contact")
    .addOption(outputOption())
    .addHelpText("after", RESTORE)
    .action(async (ref: string, snapshot: string, flags: OutputFlag & { wait?: boolean }, command: Command) => {
      const { restore } = await import("./clone.ts");
      await restore(ref, snapshot, flags, { context, command });
    });
}
