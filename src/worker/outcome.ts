/** What a run means for its task: completed, failed by its own doing, or an exception that is not. Pure. */
import { messageOf, resolutionReason } from "../base/errors.ts";
import type { Outcome, Stop } from "../feature/outcome.ts";
import type { GuestResult } from "../guest/guest-result.ts";
import { GuestGoneError } from "../sandbox/errors.ts";
import type { VmNotice } from "../vm/notices.ts";

/** Ends the run of a task: the guest's answer, or why nobody waits for it any more. */
export type RunEnd = { readonly result: GuestResult } | { readonly stop: Stop };

/**
 * @param problems With what was collected, as sentences.
 * @param notices What was wrong with the machine meanwhile.
 */
export function outcomeOfRun(end: RunEnd, problems: readonly string[], notices: readonly VmNotice[]): Outcome {
  if ("stop" in end) return { state: "failed", reason: end.stop.reason, ...explain(end.stop.message, notices) };
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
    return { state: "failed", reason: thrown.end.cause, message: thrown.message };
  }
  return { state: "exception", reason: resolutionReason(thrown), message: messageOf(thrown) };
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
