/** Why a run is not ours any more. Pure. */
import { Cancellation } from "../../base/errors.ts";
import type { RunStatus } from "./answers.ts";

export interface LossFacts {
  /** Undefined if the queue could not be asked, or does not know the run. */
  readonly run: RunStatus | undefined;
  readonly deadlinePassed: boolean;
  readonly leaseEnded: boolean;
}

const MESSAGES: Readonly<Record<Cancellation["reason"], string>> = {
  canceled: "the task was canceled",
  "deadline-exceeded": "the deadline of the task has passed",
  "claim-expired": "the lease on the task has ended, and the queue gives it to another worker",
  superseded: "another task took the place of this one",
  "worker-shutdown": "the queue took the task from this worker",
};

export function cancellation(reason: Cancellation["reason"], message = MESSAGES[reason]): Cancellation {
  return new Cancellation(reason, message);
}

/** What the queue decided about a run that was ours; undefined if it still runs. */
export function lossOf({ run, deadlinePassed, leaseEnded }: LossFacts): Cancellation | undefined {
  if (run === undefined || run.state === "running") {
    if (deadlinePassed) return cancellation("deadline-exceeded");
    return leaseEnded ? cancellation("claim-expired") : undefined;
  }
  const reason = run.reasonResolved ?? run.state;
  if (Object.hasOwn(MESSAGES, reason)) return cancellation(reason as Cancellation["reason"]);
  return cancellation("canceled", `somebody else has resolved the run: ${reason}`);
}
