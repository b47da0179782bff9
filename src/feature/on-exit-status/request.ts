/** What a task says of the exit codes of its command, and what follows. Pure. */
import type { TaskPayload } from "../../generated/task-payload.ts";
import type { Outcome } from "../outcome.ts";

export interface OnExitStatus {
  /** Exit codes after which the queue may run the task again. */
  readonly retry: readonly number[];
  /** Exit codes after which the caches of the task are thrown away. */
  readonly purgeCaches: readonly number[];
}

export function onExitStatusOf({ onExitStatus: { retry = [], purgeCaches = [] } = {} }: TaskPayload): OnExitStatus {
  return { retry, purgeCaches };
}

/** An exception stays what it is: there, it is not the command that said how the run ended. */
export function judgeRetry(outcome: Outcome, retry: readonly number[]): Outcome {
  const { state, exitCode, message } = outcome;
  if (state === "exception" || exitCode === undefined || !retry.includes(exitCode)) return outcome;
  const sentence = `the command ended with ${exitCode}, after which the task is to be run again`;
  return {
    ...outcome,
    state: "exception",
    reason: "intermittent-task",
    message: message === undefined ? sentence : `${sentence}\n${message}`,
  };
}

/** Whether the caches of the task are to be thrown away; also of a run that {@link judgeRetry} made an exception. */
export function purgesCaches({ exitCode }: Outcome, { purgeCaches }: OnExitStatus): boolean {
  return exitCode !== undefined && purgeCaches.includes(exitCode);
}
