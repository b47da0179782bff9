/** How a run ended, as features see it and may change it. */
import type { ExceptionReason } from "../base/errors.ts";

/** Why a task failed although its command did not say so, or why its machine ended first. */
export type FailureReason =
  | "command-failed"
  | "max-run-time-exceeded"
  | "stalled"
  | "file-missing-on-worker"
  | "invalid-resource-on-worker"
  | "guest-shutdown"
  | "guest-reset"
  | "guest-panic";

export interface Outcome {
  readonly state: "completed" | "failed" | "exception";
  readonly reason?: FailureReason | ExceptionReason;
  /** What to do about it, as a sentence. */
  readonly message?: string;
  /** As a shell has it; absent if the command never ended by itself. */
  readonly exitCode?: number;
}

/** Why a command is ended before it ends by itself. */
export interface Stop {
  readonly reason: FailureReason;
  /** A sentence for the log and the result. */
  readonly message: string;
}
