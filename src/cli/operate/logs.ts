/** Prints a log, and waits for one that is to come. */
import { pipeline } from "node:stream/promises";
import { setTimeout as after } from "node:timers/promises";
import { codeOf, WorkerError } from "../../base/errors.ts";
import type { TaskStatus } from "../../queue/task.ts";
import type { CliContext } from "../context.ts";
import type { LogPlaces, WantedLog } from "./log-places.ts";

type Known = Pick<TaskStatus, "taskId" | "state" | "runs">;

/** Between two looks at a task that has no run yet. */
const LOOK_MS = 1_000;

/** @throws {WorkerError} `log-not-found`; {@link QueueError} */
export async function printLog(wanted: WantedLog, places: LogPlaces, context: CliContext): Promise<void> {
  const log = await find(await whole(wanted, places, context.signal), places, context);
  try {
    await pipeline(log, context.stdout, { end: false, signal: context.signal });
  } catch (error) {
    // Who reads may have seen enough.
    if (codeOf(error) === "EPIPE") return;
    throw codeOf(error) === "ECONNRESET" ? cutOff(wanted, error) : error;
  }
}

/** With the whole id, and the number of the run: a later one must not take its place meanwhile. */
async function whole(wanted: WantedLog, places: LogPlaces, signal: AbortSignal): Promise<WantedLog> {
  const { taskId, runs } = await places.show(wanted.task, signal);
  return { ...wanted, task: taskId, run: wanted.run === "latest" ? (runs.at(-1)?.runId ?? 0) : wanted.run };
}

async function find(wanted: WantedLog, places: LogPlaces, { signal, stderr }: CliContext) {
  for (let isFirst = true; ; isFirst = false) {
    const task = await places.show(wanted.task, signal);
    const log = await places.find(wanted, signal);
    if (log !== undefined) return log;
    if (!wanted.follow || isOver(task, wanted)) throw notFound(task, wanted);
    if (isFirst) stderr.write(`boxcar: ${task.taskId} is ${task.state}; its log begins when a worker runs it\n`);
    await after(LOOK_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Whether there will never be more of this run than there is. */
function isOver({ state, runs }: Known, { run }: WantedLog): boolean {
  const found = runs.find(({ runId }) => runId === run);
  if (found === undefined) return state !== "unscheduled" && state !== "pending";
  return found.state !== "pending" && found.state !== "running";
}

function cutOff({ task }: WantedLog, cause: unknown): WorkerError {
  const message = `the worker ended while it sent the log; "boxcar logs ${task}" prints what there is`;
  return new WorkerError(message, { code: "log-cut-off", blame: "host", cause });
}

function notFound({ taskId, state }: Known, { run, name }: WantedLog): WorkerError {
  const hint = state === "pending" || state === "unscheduled" ? "; -f waits for it" : "";
  const message = `there is no ${name} of run ${run} of task ${taskId} here; the task is ${state}${hint}`;
  return new WorkerError(message, { code: "log-not-found", blame: "task" });
}
