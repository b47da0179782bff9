/** A run, as addresses name it. */
import type { Run } from "../../queue/task.ts";
import type { TaskDetails, TaskQueue } from "../../queue/task-queue.ts";
import { ApiError } from "../api/api-error.ts";
import { runOf } from "./log-request.ts";

export interface FoundRun {
  readonly task: TaskDetails;
  readonly run: Run;
  /** The address names this very run, now and for ever: it has the whole id, and a number. */
  readonly isExact: boolean;
}

/** @throws {ApiError} `bad-request`, `run-not-found`; {@link QueueError} `task-not-found`, `task-ambiguous` */
export async function findRun(queue: TaskQueue, params: { task: string; run: string }): Promise<FoundRun> {
  const wanted = runOf(params.run);
  const task = await queue.show(params.task);
  const run = wanted === "latest" ? task.runs.at(-1) : task.runs.find(({ runId }) => runId === wanted);
  if (run !== undefined) return { task, run, isExact: wanted !== "latest" && params.task === task.taskId };
  const count = task.runs.length;
  const has = count === 0 ? "none yet" : count === 1 ? "only run 0" : `runs 0 to ${count - 1}`;
  throw new ApiError(404, "run-not-found", `there is no run ${wanted} of task ${task.taskId}; it has ${has}`);
}

export function isOver({ state }: Run): boolean {
  return state === "completed" || state === "failed" || state === "exception";
}
