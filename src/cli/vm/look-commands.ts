/** `boxcar vm list`, `inspect` and so on, as the command line knows them. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { type OutputFlag, outputOption, parsePort } from "./flags.ts";

const MACHINE = ["<machine>", "id, name, or the first 3 digits or more of an id"] as const;
const load = () => import("./look.ts");

export function listCommand(context: CliContext): Command {
  return new Command("list")
    .alias("ls")
    .description("list the machines of this host, the oldest first")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm list\n  boxcar vm list -o json | jq -r '.[].id'")
    .action(async (flags: OutputFlag, command: Command) => (await load()).list(flags, { context, command }));
}

export function inspectCommand(context: CliContext): Command {
  return new Command("inspect")
    .alias("show")
    .description("show what is known of a machine")
    .argument(...MACHINE)
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm inspect dev\n  boxcar vm inspect dev -o json | jq .process")
    .action(async (ref: string, flags: OutputFlag, command: Command) =>
      (await load()).inspect(ref, flags, { context, command }),
    );
}

export function statusCommand(context: CliContext): Command {
  return new Command("status")
    .description("print each machine, and then each change, until Ctrl-C")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm status\n  boxcar vm status -o json")
    .action(async (flags: OutputFlag, command: Command) => (await load()).status(flags, { context, command }));
}

export function logsCommand(context: CliContext): Command {
  return new Command("logs")
    .description("print what a machine has written to its serial console since it was started")
    .argument(...MACHINE)
    .option("--supervisor", "what the process says that has the machine")
    .addHelpText("after", "\nExamples:\n  boxcar vm logs dev\n  boxcar vm logs dev --supervisor")
    .action(async (ref: string, flags: { supervisor?: boolean }, command: Command) =>
      (await load()).logs(ref, flags, { context, command }),
    );
}

export function gcCommand(context: CliContext): Command {
  return new Command("gc")
    .description(
      "put right what dead processes have left, as every command does first, and remove snapshots that have expired",
    )
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  boxcar vm gc")
    .action(async (flags: OutputFlag, command: Command) => (await load()).gc(flags, { context, command }));
}

export function screenshotCommand(context: CliContext): Command {
  return new Command("screenshot")
    .description("save what the screen of a machine shows")
    .argument(...MACHINE)
    .argument("[file]", "a PNG; - for stdout (default: a name made of the machine and the time)")
    .addHelpText("after", "\nExamples:\n  boxcar vm screenshot dev\n  boxcar vm screenshot dev - | feh -")
    .action(async (ref: string, file: string | undefined, _flags: object, command: Command) =>
      (await load()).screenshot(ref, file, { context, command }),
    );
}

export function vncCommand(context: CliContext): Command {
  return new Command("vnc")
    .description("show the screen of a machine, with keyboard and mouse")
    .argument(...MACHINE)
    .option("--open", "start a viewer")
    .option("--port <number>", "of the address on this host (default: one that is free)", parsePort)
    .addHelpText("after", "\nExamples:\n  boxcar vm vnc dev\n  boxcar vm vnc dev --open")
    .action(async (ref: string, flags: { port?: number; open?: boolean }, command: Command) =>
      (await load()).vnc(ref, flags, { context, command }),
    );
}

export function monitorCommand(context: CliContext): Command {
  return new Command("monitor")
    .description("run a command of QEMU's monitor; what it changes Boxcar does not learn of")
    .argument(...MACHINE)
    .argument("[words...]", "its name and a JSON object; with --human a line (default: query-status)")
    .option("--human", "a line for people")
    .addHelpText(
      "after",
      `\nExamples:
  boxcar vm monitor dev query-block
  boxcar vm monitor dev send-key '{"keys": [{"type": "qcode", "data": "ret"}]}'
  boxcar vm monitor dev --human info registers`,
    )
    .action(async (ref: string, words: string[], flags: { human?: boolean }, command: Command) =>
      (await load()).monitor(ref, words, flags, { context, command }),
    );
}
