/** What a worker says of itself. */
import type { Phase } from "./task-result.ts";

/**
 *   claiming ⇄ paused, waiting (the host is short of something, or fails)
 *      └──▶ draining (finishes what runs) ──▶ stopping (ends what runs) ──▶ stopped
 */
export type WorkerState = "claiming" | "full" | "paused" | "waiting" | "draining" | "stopping" | "stopped";

export interface WorkerStatus {
  readonly state: WorkerState;
  /** Why it does not claim, as a sentence. */
  readonly why?: string;
  readonly queue: string;
  readonly startedAt: Date;
  readonly capacity: number;
  /** Of its machines' networks: the mode, and why it is this one. */
  readonly network?: string;
  /** Machines that wait for a task; absent where no pool is configured. */
  readonly pooled?: number;
  readonly running: readonly RunningTask[];
  /** Runs that are over, since the start. */
  readonly finished: { readonly total: number; readonly byEnd: Readonly<Record<string, number>> };
}

export interface RunningTask {
  readonly taskId: string;
  readonly runId: number;
  readonly name?: string;
  readonly phase: Phase | "publish" | "resolve";
  readonly since: Date;
  /** Of its machine, while there is one; so are those below. For people. */
  readonly machine?: string;
  readonly memoryMiB?: number;
  /** It has a screen one may see. */
  readonly display?: boolean;
  /** It takes shells. */
  readonly shell?: boolean;
  /** Its command has ended; until then the machine stays. */
  readonly keptUntil?: Date;
}
