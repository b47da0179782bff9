/** `boxcar release` and `boxcar keep`: how long the machine of an interactive task stays. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addServerOptions, SERVER_HELP, type ServerFlags } from "../server/server-options.ts";
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
    .requiredOption("--for <duration>", 'seconds, or a text such as "30 minutes"')
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun);
  return addServerOptions(keep)
    .addHelpText("after", KEEP_EXAMPLES + SERVER_HELP)
    .action((task: string, flags: MachineFlags & { for: string }, command: Command) =>
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
  await ask({ server, path, body, signal: context.signal });
}
