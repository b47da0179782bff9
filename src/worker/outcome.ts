/** What a run means for its task: completed, failed by its own doing, or an exception that is not. Pure. */
import { messageOf, resolutionReason } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { GuestResult } from "../guest/guest-result.ts";
import { GuestGoneError } from "../sandbox/errors.ts";
import type { VmNotice } from "../vm/notices.ts";
import type { TaskResult } from "./task-result.ts";

export type Outcome = Pick<TaskResult, "state" | "reason" | "message" | "exitCode" | "artifacts">;

/** Ends the run of a task, with the guest's answer or without. */
export type RunEnd = { kind: "reported"; result: GuestResult } | { kind: "too-long"; limitMs: number };

/**
 * @param problems With artifacts, as sentences.
 * @param notices What was wrong with the machine meanwhile.
 */
export function outcomeOfRun(
  end: RunEnd,
  problems: readonly string[],
  notices: readonly VmNotice[],
): Omit<Outcome, "artifacts"> {
  if (end.kind === "too-long") {
    const message = `the task was ended after its maxRunTime of ${formatDuration(end.limitMs)}`;
    return { state: "failed", reason: "max-run-time-exceeded", ...explain(message, notices) };
  }
  const { success, exitCode, error } = end.result;
  const code = exitCode === undefined ? {} : { exitCode };
  if (!success) return { state: "failed", reason: "command-failed", ...code, ...explain(error, notices) };
  if (problems.length > 0) {
    return { state: "failed", reason: "file-missing-on-worker", ...code, message: problems.join("\n") };
  }
  return { state: "completed", ...code };
}

export function outcomeOfError(error: unknown, signal: AbortSignal): Outcome {
  const thrown = signal.aborted ? signal.reason : error;
  if (thrown instanceof GuestGoneError && isGuestsDoing(thrown.end.cause)) {
    return { state: "failed", reason: thrown.end.cause, message: thrown.message, artifacts: [] };
  }
  return { state: "exception", reason: resolutionReason(thrown), message: messageOf(thrown), artifacts: [] };
}

/** On one line. */
export function describeOutcome({ state, reason, exitCode }: Outcome): string {
  const facts = [reason, exitCode === undefined ? undefined : `exit code ${exitCode}`].filter(
    (fact) => fact !== undefined,
  );
  return facts.length === 0 ? state : `${state} (${facts.join(", ")})`;
}

/** A command that failed rarely knows that its machine did. */
function explain(message: string | undefined, notices: readonly VmNotice[]): { message?: string } {
  const lines = [message, ...new Set(notices.map((notice) => notice.message))].filter((line) => line !== undefined);
  return lines.length === 0 ? {} : { message: lines.join("\n") };
}

type GuestCause = "guest-shutdown" | "guest-reset" | "guest-panic";

function isGuestsDoing(cause: string): cause is GuestCause {
  return cause === "guest-shutdown" || cause === "guest-reset" || cause === "guest-panic";
}
