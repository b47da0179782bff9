/** How a run ended. */
import type { ArtifactRecord } from "../feature/artifacts/record.ts";
import type { MadeCheckpoint } from "../feature/checkpoints/made.ts";
import type { KeptMachine } from "../feature/on-failure/kept-machine.ts";
import type { Outcome } from "../feature/outcome.ts";
import type { StepResult } from "../feature/steps.ts";
import type { Accelerator } from "../vm/arguments.ts";
import type { ResolvedMachine } from "../vm/limits.ts";

/** Milliseconds of each phase that was reached, and of all. */
export type Timings = Partial<Record<Phase, number>> & { total: number };

export type Phase = "prepare" | "image" | "start" | "boot" | "furnish" | "run" | "collect" | "keep" | "release";

export interface TaskResult extends Outcome {
  readonly timings: Timings;
  readonly artifacts: readonly ArtifactRecord[];
  /** Of a task with steps, as far as it came. */
  readonly steps?: readonly StepResult[];
  readonly image?: { digest: string };
  readonly machine?: ResolvedMachine;
  readonly accelerator?: Accelerator;
  /** How its machine began; absent if none did. */
  readonly start?: "booted" | "resumed" | "forked";
  /** What it has kept of its machine; absent if nothing. */
  readonly checkpoints?: readonly MadeCheckpoint[];
  /** Its machine as it was when it failed; absent if that is not kept. */
  readonly saved?: KeptMachine;
}
