/** `boxcar worker`: the process that runs tasks from a queue, and what can be asked of it. */
import { Command, Option } from "commander";
import { absoluteConfigFile, configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { LogFormat } from "./logger.ts";

const EXAMPLES = `
Examples:
  boxcar worker                             claim tasks, with the configuration of this host
  boxcar worker --config worker.yml
  boxcar worker status                      what it runs, and why it claims nothing
  boxcar worker pause --reason "new disk"   claim nothing more; what runs goes on
  boxcar worker resume
  boxcar worker drain                       finish what runs, and end

The first SIGTERM or Ctrl-C drains the worker, the second stops what it runs; others run that again.`;

export function workerCommand(context: CliContext): Command {
  const worker = new Command("worker").description("run tasks from the queue until it is told to end");
  worker.addHelpText("after", EXAMPLES);
  // What is no command of it comes here: without this it would be called an argument too many.
  worker.usage("[options] [command]").argument("[unknown...]");
  worker.addOption(
    new Option("--log-format <format>", "lines for people, or JSON (default: text on a terminal)").choices([
      "text",
      "json",
    ]),
  );
  worker.action(async ([unknown]: string[], flags: { logFormat?: LogFormat }, command: Command) => {
    if (unknown !== undefined) worker.error(`error: unknown command '${unknown}'`);
    const config = await configOf(context, command);
    const [{ serve }, { createLogger }] = await Promise.all([import("./serve.ts"), import("./logger.ts")]);
    const format = flags.logFormat ?? (context.stderr.isTTY ? "text" : "json");
    const configFile = absoluteConfigFile(context, command);
    await serve({ config, configFile, context, logger: createLogger(context.stderr, format) });
  });
  addControl(worker, context, "status", "show what it does");
  addControl(worker, context, "pause", "claim nothing more; what runs goes on");
  addControl(worker, context, "resume", "claim tasks again");
  addControl(worker, context, "drain", "finish what runs, and end");
  addControl(worker, context, "stop", "end what runs, which others run again, and end");
  return worker;
}

type Verb = "status" | "pause" | "resume" | "drain" | "stop";

function addControl(worker: Command, context: CliContext, verb: Verb, description: string): void {
  const command = worker.command(verb).description(description).option("--json", "print JSON");
  if (verb !== "status" && verb !== "resume")
    command.option("--reason <text>", "why, for the log and for who looks at it");
  command.action(async (flags: { json?: boolean; reason?: string }, self: Command) => {
    const config = await configOf(context, self);
    const { controlWorker } = await import("./control.ts");
    await controlWorker({ verb, flags, config, context });
  });
}
