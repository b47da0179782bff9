/** `boxcar run`: one task, here and now. */
import { Command } from "commander";
import { type Cancellation, InvalidInputError } from "../../base/errors.ts";
import type { TaskResult } from "../../worker/task-result.ts";
import { configOf } from "../config.ts";
import { type CliContext, EXIT, printJson } from "../context.ts";
import { splitWords } from "../task-words.ts";

interface RunFlags {
  output?: string;
  json?: boolean;
  image?: string;
  network?: string;
  screenshot?: string;
  cold?: boolean;
  allowUnsigned?: boolean;
}

const EXAMPLES = `
Examples:
  boxcar run task.yml                       a task from a file, YAML or JSON
  boxcar run task.yml --output out          artifacts, log and result.json go to ./out
  boxcar run -- sh -c 'uname -a; free -m'   a command, with the default image
  boxcar run task.yml --json | tail -1      the result for a script
  boxcar run --network internet task.yml    with everything public to reach
  boxcar run --network 'allow=deb.debian.org,*.npmjs.org:443' -- apt-get update

Exit codes: 0 completed, 1 failed, 2 bad usage or malformed payload, 3 any other exception, 130 cancelled.`;

/** @param argv The whole command line: only there can be seen where `--` stands. */
export function runCommand(context: CliContext, argv: readonly string[]): Command {
  return new Command("run")
    .description("run one task in a machine of its own, and throw the machine away")
    .usage("[options] [task.yml] [-- command...]")
    .argument("[arguments...]", "a task file, and after -- a command that replaces the task's")
    .option("-o, --output <dir>", "folder for artifacts, log and result.json (default: boxcar-output/<task id>)")
    .option("--image <image>", "name, path or URL of the image; replaces the task's")
    .option("--network <policy>", "isolated, internet, or allow=NAME,…; replaces the task's")
    .option("--screenshot <file>", "write the screen as a PNG when the command has ended")
    .option("--cold", "boot the machine, instead of resuming one that has booted before")
    .option("--allow-unsigned", "take an image that nobody of images.requireSignature has signed")
    .option("--json", "print the result as one JSON object on the last line")
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], flags: RunFlags, command: Command) => {
      const { taskFile, taskCommand } = splitWords(words, argv, command);
      const config = await configOf(context, command);
      const [{ readPayload }, { runLocally }] = await Promise.all([import("./payload.ts"), import("./run-locally.ts")]);
      const payload = await parse(() =>
        readPayload({
          ...{ taskFile, command: taskCommand, image: flags.image, network: flags.network },
          ...{ cwd: context.cwd, config },
        }),
      );
      if (payload instanceof InvalidInputError) {
        if (flags.json) printJson(context, malformed(payload));
        throw payload;
      }
      const result = await runLocally({ payload, config, flags, context });
      if (flags.json) printJson(context, result);
      context.setExitCode(exitCodeOf(result));
    });
}

async function parse<T>(read: () => Promise<T>): Promise<T | InvalidInputError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
}

function malformed(error: InvalidInputError) {
  return {
    state: "exception",
    reason: "malformed-payload",
    message: error.message,
    issues: error.issues,
    timings: { total: 0 },
    artifacts: [],
  };
}

function exitCodeOf({ state, reason }: TaskResult): number {
  if (state === "completed") return EXIT.ok;
  if (state === "failed") return EXIT.failed;
  if (reason === "malformed-payload") return EXIT.usage;
  return reason === ("canceled" satisfies Cancellation["reason"]) ? EXIT.interrupted : EXIT.exception;
}
