/** `boxcar queue`: the tasks of the queue of this configuration. */
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { TASK_STATES, type TaskState } from "../../queue/task.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import { configOf } from "../config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { logsCommand } from "../operate/logs-command.ts";
import { networkCommand } from "./network-command.ts";
import { submitCommand } from "./submit-command.ts";

const EXAMPLES = `
Examples:
  boxcar queue submit task.yml              a task from a file, YAML or JSON
  boxcar queue submit --wait -- make test   a command, and its exit code
  boxcar queue list --state running
  boxcar queue show pX3                     as much of the id as tells it from others
  boxcar logs -f pX3
  boxcar queue network pX3                  what it asked of its network
  boxcar queue cancel pX3
  boxcar queue artifacts pX3 --json

No worker need run for that. "boxcar worker" runs what is submitted.`;

export function queueCommand(context: CliContext, argv: readonly string[]): Command {
  const queue = new Command("queue").description("submit tasks to the queue, and look after them");
  queue.addHelpText("after", EXAMPLES);
  queue.addCommand(submitCommand(context, argv));
  queue.addCommand(listCommand(context));
  queue.addCommand(logsCommand(context));
  queue.addCommand(networkCommand(context));
  queue
    .command("show")
    .description("show what is known of one task")
    .addArgument(taskArgument())
    .option("--json", "print JSON")
    .action(async (reference: string, flags: { json?: boolean }, command: Command) => {
      await using tasks = await openTasks(context, command);
      const { describeTask } = await import("./describe.ts");
      const found = await tasks.show(reference);
      if (flags.json) printJson(context, found);
      else print(context, describeTask(found));
    });
  addChange(queue, context, "cancel", "end tasks, whatever they do", (tasks, reference, { reason }) =>
    tasks.cancel(reference, reason),
  ).option("--reason <text>", "why, for who looks at the task");
  addChange(queue, context, "rerun", "run tasks again that have ended", (tasks, reference) => tasks.rerun(reference));
  queue
    .command("artifacts")
    .description("list what was kept of a run")
    .addArgument(taskArgument())
    .option("--run <number>", "which run, from 0 (default: the last one)", parseCount)
    .option("--json", "print JSON")
    .action(async (reference: string, flags: { run?: number; json?: boolean }, command: Command) => {
      await using tasks = await openTasks(context, command);
      const { artifactTable } = await import("./describe.ts");
      const found = await tasks.artifacts(reference, flags.run);
      if (flags.json) printJson(context, found);
      else print(context, artifactTable(found));
    });
  return queue;
}

interface ListFlags {
  state?: TaskState[];
  queue?: string;
  limit?: number;
  before?: string;
  json?: boolean;
}

function listCommand(context: CliContext): Command {
  return new Command("list")
    .alias("ls")
    .description("list the tasks, the newest first")
    .addOption(new Option("--state <state...>", "only those that are in it").choices(TASK_STATES))
    .option("--queue <name>", "only those of one task queue")
    .option("--limit <number>", "so many at most (default: 100)", parseCount)
    .option("--before <task>", "only those that are older than this one")
    .option("--json", "print JSON")
    .action(async ({ state, json, ...filter }: ListFlags, command: Command) => {
      await using tasks = await openTasks(context, command);
      const { taskTable } = await import("./describe.ts");
      const found = await tasks.list({ ...filter, ...(state === undefined ? {} : { states: state }) });
      if (json) printJson(context, found);
      else print(context, taskTable(found));
    });
}

type Change = (
  tasks: TaskQueue,
  reference: string,
  flags: { json?: boolean; reason?: string },
) => ReturnType<TaskQueue["cancel"]>;

function addChange(queue: Command, context: CliContext, name: string, description: string, change: Change): Command {
  return queue
    .command(name)
    .description(description)
    .addArgument(new Argument("<task...>", "ids of tasks, or their beginnings"))
    .option("--json", "print JSON")
    .action(async (references: string[], flags: { json?: boolean; reason?: string }, command: Command) => {
      await using tasks = await openTasks(context, command);
      const changed = [];
      for (const reference of references) {
        const status = await change(tasks, reference, flags);
        changed.push(status);
        if (!flags.json) print(context, `${status.taskId} ${resultOf(status)}`);
      }
      if (flags.json) printJson(context, changed);
    });
}

function resultOf({ state, runs }: Awaited<ReturnType<Change>>): string {
  const reason = runs.at(-1)?.reason;
  return reason === undefined ? state : `${state}: ${reason}`;
}

function taskArgument(): Argument {
  return new Argument("<task>", "id of a task, or its beginning");
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("it must be a number.");
  return Number(text);
}

async function openTasks(context: CliContext, command: Command): Promise<TaskQueue> {
  const config = await configOf(context, command);
  return await (await import("./open-task-queue.ts")).openTaskQueue(config);
}
