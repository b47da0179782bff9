/** `boxcar release` and `boxcar keep`: how long the machine of an interactive task stays. */
import { Command, InvalidArgumentError } from "commander";
import { tryParseDuration } from "../../base/units.ts";
import type { ApiLive } from "../../generated/api.ts";
import { type CliContext, print } from "../context.ts";
import { addServerOptions, SERVER_HELP, type ServerFlags } from "../server/server-options.ts";
import { minute } from "../table.ts";
import { parseRun } from "./shell-command.ts";

interface MachineFlags extends ServerFlags {
  run?: number;
}

const KEEP_EXAMPLES = `
Examples:
  boxcar keep pX3 --for "30 minutes"        counted from now`;

export function keepCommand(context: CliContext): Command {
  const keep = new Command("keep").description("keep the machine of an interactive task longer");
  keep
    .argument("<task>", "id of a task, or the beginning of it")
    .requiredOption("--for <duration>", 'seconds, or a text such as "30 minutes"', parseTime)
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun);
  return addServerOptions(keep)
    .addHelpText("after", KEEP_EXAMPLES + SERVER_HELP)
    .action((task: string, flags: MachineFlags & { for: number | string }, command: Command) =>
      tell({ task, flags, verb: "keep", body: { for: flags.for } }, context, command),
    );
}

export function releaseCommand(context: CliContext): Command {
  const release = new Command("release").description("let go of the machine of an interactive task");
  release
    .argument("<task>", "id of a task, or the beginning of it")
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun);
  return addServerOptions(release)
    .addHelpText("after", SERVER_HELP.trimStart())
    .action((task: string, flags: MachineFlags, command: Command) =>
      tell({ task, flags, verb: "release", body: {} }, context, command),
    );
}

interface Telling {
  task: string;
  flags: MachineFlags;
  verb: "keep" | "release";
  body: object;
}

async function tell({ task, flags, verb, body }: Telling, context: CliContext, command: Command): Promise<void> {
  const { ask, serverOf } = await import("../server/server.ts");
  const server = await serverOf(flags, context, command);
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${flags.run ?? "latest"}/${verb}`;
  const { keptUntil } = await ask<ApiLive>({ server, path, body, signal: context.signal });
  print(context, verb === "release" ? "the machine goes as soon as its command has ended" : describeStay(keptUntil));
}

/** @param until Absent while the command of the task runs. */
function describeStay(until: string | undefined): string {
  if (until === undefined) return "the machine stays for that time, or until its command ends if that is later";
  return `the machine stays until ${minute(new Date(until))} UTC`;
}

function parseTime(text: string): number | string {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  if (tryParseDuration(text) !== undefined) return text;
  throw new InvalidArgumentError('It must be a number of seconds, or a text such as "30 minutes".');
}
