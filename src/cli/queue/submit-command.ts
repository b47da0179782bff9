/** `boxcar queue submit`. */
import { Command, Option } from "commander";
import { PRIORITIES } from "../../queue/task.ts";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import { splitWords } from "../task-words.ts";
import type { SubmitFlags } from "./submit.ts";

const EXAMPLES = `
Examples:
  boxcar queue submit task.yml --priority high
  boxcar queue submit -- sh -c 'uname -a; free -m'
  boxcar queue submit build.yml --name "release build" --deadline "2 hours"
  boxcar queue submit test.yml --depends-on pX3 --wait

The file holds a payload (boxcar schema payload), or a task (boxcar schema task) with a payload in it.
The id of the task is printed. With --wait: exit codes as of boxcar run.`;

export function submitCommand(context: CliContext, argv: readonly string[]): Command {
  return new Command("submit")
    .description("give the queue a task")
    .usage("[options] [task.yml] [-- command...]")
    .argument("[arguments...]", "a task file, and after -- a command that replaces the task's")
    .addOption(new Option("--priority <priority>", "what is claimed first (default: medium)").choices(PRIORITIES))
    .option("--name <text>", "what people call the task")
    .option("--image <image>", "name, path or URL of the image; replaces the task's")
    .option("--network <policy>", "isolated, internet, or allow=NAME,…; replaces the task's")
    .option("--queue <name>", "task queue (default: the one of the configuration)")
    .option("--deadline <duration>", "when the queue gives up on it: 10 minutes, 2 hours (default: 1 day)")
    .option("--depends-on <task...>", "ids of tasks that must complete first, or their beginnings")
    .option("--no-validate", "leave it to the worker to check the payload")
    .option("--wait", "until it has ended, and exit as boxcar run does")
    .option("--json", "print the task as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], flags: SubmitFlags, command: Command) => {
      const { taskFile, taskCommand } = splitWords(words, argv, command);
      const config = await configOf(context, command);
      const { submit } = await import("./submit.ts");
      await submit({ taskFile, taskCommand, flags, config, context });
    });
}
