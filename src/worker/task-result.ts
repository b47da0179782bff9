/** How a run ended. */
import type { ExceptionReason } from "../base/errors.ts";
import type { ArtifactRecord } from "../feature/artifacts.ts";
import type { Accelerator } from "../vm/arguments.ts";
import type { ResolvedMachine } from "../vm/limits.ts";

/** Why a task failed although its command did not say so, or why its machine ended first. */
export type FailureReason =
  | "command-failed"
  | "max-run-time-exceeded"
  | "file-missing-on-worker"
  | "guest-shutdown"
  | "guest-reset"
  | "guest-panic";

/** Milliseconds of each phase that was reached, and of all. */
export type Timings = Partial<Record<Phase, number>> & { total: number };

export type Phase = "image" | "start" | "boot" | "run" | "collect" | "release";

export interface TaskResult {
  state: "completed" | "failed" | "exception";
  reason?: FailureReason | ExceptionReason;
  /** What to do about it, as a sentence. */
  message?: string;
  /** As a shell has it; absent if the command never ended by itself. */
  exitCode?: number;
  timings: Timings;
  artifacts: readonly ArtifactRecord[];
  image?: { digest: string };
  machine?: ResolvedMachine;
  accelerator?: Accelerator;
  /** How its machine began; absent if none did. */
  start?: "booted" | "resumed";
}
