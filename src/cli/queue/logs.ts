/** Prints a log: by the worker of this host while it runs, else out of what was kept. */
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as after } from "node:timers/promises";
import { codeOf, WorkerError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { TaskStatus } from "../../queue/task.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import { hostFolders } from "../../worker/task-host.ts";
import { type LogName, TaskLogs } from "../../worker/task-logs.ts";
import type { CliContext } from "../context.ts";
import { controlSocket } from "../worker/control-socket.ts";
import { openResponse } from "../worker/request.ts";
import { openTaskQueue } from "./open-task-queue.ts";

export interface WantedLog extends LogName {
  follow: boolean;
  from: number;
}

/** Between two looks at a task that has no run yet. */
const LOOK_MS = 1_000;

/** @throws {WorkerError} `log-not-found`; {@link QueueError} */
export async function printLog(wanted: WantedLog, config: Config, context: CliContext): Promise<void> {
  await using tasks = await openTaskQueue(config);
  const log = await find(await whole(wanted, tasks), tasks, config, context);
  try {
    await pipeline(log, context.stdout, { end: false, signal: context.signal });
  } catch (error) {
    // Who reads may have seen enough.
    if (codeOf(error) === "EPIPE") return;
    throw codeOf(error) === "ECONNRESET" ? cutOff(wanted, error) : error;
  }
}

/** With the whole id, and the number of the run: a later one must not take its place meanwhile. */
async function whole(wanted: WantedLog, tasks: TaskQueue): Promise<WantedLog> {
  const { taskId, runs } = await tasks.show(wanted.task);
  return { ...wanted, task: taskId, run: wanted.run === "latest" ? (runs.at(-1)?.runId ?? 0) : wanted.run };
}

async function find(wanted: WantedLog, tasks: TaskQueue, config: Config, context: CliContext): Promise<Readable> {
  const kept = new TaskLogs({ tasks, runsFolder: hostFolders(config).runs });
  for (let isFirst = true; ; isFirst = false) {
    const task = await tasks.show(wanted.task);
    const log = (await askWorker(wanted, config, context)) ?? (await kept.find(wanted))?.read({ from: wanted.from });
    if (log !== undefined) return log;
    if (!wanted.follow || isOver(task, wanted)) throw notFound(task, wanted);
    if (isFirst)
      context.stderr.write(`boxcar: ${task.taskId} is ${task.state}; its log begins when a worker here runs it\n`);
    await after(LOOK_MS, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
  }
}

/** Undefined where no worker runs here, or it has no such log. */
async function askWorker(wanted: WantedLog, config: Config, { signal }: CliContext): Promise<Readable | undefined> {
  const { task, run, name, from, follow } = wanted;
  const path = `/api/v1/tasks/${task}/runs/${run}/logs/${name}?from=${from}&follow=${follow ? 1 : 0}`;
  try {
    return await openResponse({ socketPath: controlSocket(config), path, signal });
  } catch (error) {
    if (codeOf(error) === "no-worker" || codeOf(error) === "log-not-found") return undefined;
    throw error;
  }
}

/** Whether there will never be more of this run than there is. */
function isOver({ state, runs }: TaskStatus, { run }: WantedLog): boolean {
  const found = runs.find(({ runId }) => runId === run);
  if (found === undefined) return state !== "unscheduled" && state !== "pending";
  return found.state !== "pending" && found.state !== "running";
}

function cutOff({ task }: WantedLog, cause: unknown): WorkerError {
  const message = `the worker ended while it sent the log; "boxcar queue logs ${task}" prints what there is`;
  return new WorkerError(message, { code: "log-cut-off", blame: "host", cause });
}

function notFound({ taskId, state }: TaskStatus, { run, name }: WantedLog): WorkerError {
  const hint = state === "pending" || state === "unscheduled" ? "; -f waits for it" : "";
  return new WorkerError(
    `there is no ${name} of run ${run} of task ${taskId} on this host; the task is ${state}${hint}`,
    {
      code: "log-not-found",
      blame: "task",
    },
  );
}
