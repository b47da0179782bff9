/** `boxcar vm start`, `stop` and so on, as the command line knows them. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import type { ChangeFlags, Verb } from "./change.ts";
import { outputOption, parseDurationMs } from "./flags.ts";

const TIMEOUT = [
  "-t, --timeout <duration>",
  "how long the guest may take (default: 30 seconds)",
  parseDurationMs,
] as const;

export function startCommand(context: CliContext): Command {
  return changing("start", "start machines; one that runs stays as it is", context)
    .option("--wait", "until their guests are in contact")
    .option("--cold", "boot from their disks, also those that are to go on from what was saved: their memory is lost")
    .addHelpText("after", examples("boxcar vm start dev", "boxcar vm start dev web --wait", "boxcar vm start 3fa"));
}

export function stopCommand(context: CliContext): Command {
  return changing("stop", "stop machines: their guests are asked, and told in the end", context)
    .option(...TIMEOUT)
    .option("-f, --force", "do not ask the guest")
    .addHelpText(
      "after",
      examples("boxcar vm stop dev", "boxcar vm stop dev --timeout 2m", "boxcar vm stop dev --force"),
    );
}

export function restartCommand(context: CliContext): Command {
  return changing("restart", "stop machines and start them again", context)
    .option(...TIMEOUT)
    .option("-f, --force", "do not ask the guest")
    .option("--wait", "until their guests are in contact")
    .addHelpText("after", examples("boxcar vm restart dev --wait"));
}

export function pauseCommand(context: CliContext): Command {
  return changing("pause", "hold machines at this instant", context).addHelpText(
    "after",
    examples("boxcar vm pause dev"),
  );
}

export function resumeCommand(context: CliContext): Command {
  return changing("resume", "let machines go on that are paused", context).addHelpText(
    "after",
    examples("boxcar vm resume dev"),
  );
}

export function removeCommand(context: CliContext): Command {
  return changing("rm", "remove machines, with their disks", context)
    .option("-f, --force", "also those that run")
    .addHelpText("after", examples("boxcar vm rm dev", "boxcar vm rm --force dev web"));
}

function changing(verb: Verb, description: string, context: CliContext): Command {
  return new Command(verb)
    .description(description)
    .argument("<machine...>", "id, name, or the first 3 digits or more of an id")
    .addOption(outputOption())
    .action(async (refs: string[], flags: ChangeFlags, command: Command) => {
      const { change } = await import("./change.ts");
      await change(verb, refs, flags, { context, command });
    });
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
