/** Submits a task, and waits for its end if that is wanted. */
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import { parsePayload, payloadRules } from "../../feature/payload.ts";
import type { TaskDefinition } from "../../generated/task-definition.ts";
import type { TaskStatus } from "../../queue/task.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import { isResolved } from "../../queue/transitions.ts";
import { type CliContext, EXIT, print, printJson } from "../context.ts";
import { readTaskFile } from "../run/payload.ts";
import { buildDefinition } from "./definition.ts";
import { describeState } from "./describe.ts";
import { openTaskQueue } from "./open-task-queue.ts";

export interface SubmitFlags {
  priority?: NonNullable<TaskDefinition["priority"]>;
  name?: string;
  image?: string;
  network?: string;
  queue?: string;
  deadline?: string;
  dependsOn?: string[];
  validate: boolean;
  wait?: boolean;
  json?: boolean;
}

export interface Submission {
  taskFile: string | undefined;
  taskCommand: readonly string[];
  flags: SubmitFlags;
  config: Config;
  context: CliContext;
}

/** Between two looks at a task that is waited for. */
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 2_000;

/** @throws {InvalidInputError} with every issue of the task, if they are looked for; {@link QueueError} */
export async function submit({ taskFile, taskCommand, flags, config, context }: Submission): Promise<void> {
  const subject = taskFile === undefined ? "The task" : `The task ${taskFile}`;
  const document = taskFile === undefined ? {} : await readTaskFile(taskFile, context.cwd);
  const build = (dependencies: readonly string[]) =>
    buildDefinition(
      document,
      {
        ...{
          command: taskCommand,
          image: flags.image,
          network: flags.network,
          priority: flags.priority,
          name: flags.name,
        },
        ...{ deadline: flags.deadline, queue: flags.queue, defaultQueue: config.queue.name, dependencies },
      },
      subject,
    );
  // Before the queue is opened, which takes longer than to see that something is wrong.
  const { payload } = build([]);
  if (flags.validate) parsePayload(payload, { subject, blame: "task", ...payloadRules(config) });
  await using tasks = await openTaskQueue(config);
  const dependencies = [];
  for (const reference of flags.dependsOn ?? []) dependencies.push((await tasks.show(reference)).taskId);
  const submitted = await tasks.submit(build(dependencies));
  if (!flags.wait) {
    if (flags.json) printJson(context, submitted);
    else print(context, submitted.taskId);
    return;
  }
  context.stderr.write(`${submitted.taskId}\n`);
  const ended = await waitForEnd(tasks, submitted, context);
  if (flags.json) printJson(context, ended);
  else print(context, describeState(ended));
  context.setExitCode(exitCodeOf(ended));
}

/** @throws `signal.reason`; the task goes on. */
async function waitForEnd(
  tasks: TaskQueue,
  { taskId }: TaskStatus,
  { signal, stderr }: CliContext,
): Promise<TaskStatus> {
  const goesOn = `the task goes on; "boxcar queue cancel ${taskId}" ends it`;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS)) {
    const status = await tasks.show(taskId);
    if (isResolved(status)) return status;
    await delay(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) stderr.write(`${goesOn}\n`);
    signal.throwIfAborted();
  }
}

function exitCodeOf({ state, runs }: TaskStatus): number {
  if (state === "completed") return EXIT.ok;
  if (state === "failed") return EXIT.failed;
  const reason = runs.at(-1)?.reason;
  if (reason === "malformed-payload") return EXIT.usage;
  return reason === "canceled" ? EXIT.interrupted : EXIT.exception;
}
