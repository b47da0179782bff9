/** What tasks are to a queue. */
import type { ExceptionReason } from "../base/errors.ts";

/** The most urgent first. */
export const PRIORITIES = ["highest", "very-high", "high", "medium", "low", "very-low", "lowest"] as const;

export type Priority = (typeof PRIORITIES)[number];

/**
 * unscheduled ──dependencies resolved──▶ pending ──claim──▶ running ──▶ completed | failed | exception
 *                                           ◀──retry, rerun──┘
 */
export const TASK_STATES = ["unscheduled", "pending", "running", "completed", "failed", "exception"] as const;

export type TaskState = (typeof TASK_STATES)[number];

export interface Run {
  /** From 0. */
  readonly runId: number;
  readonly state: Exclude<TaskState, "unscheduled">;
  /** `exception`: only so that there is a run to say why the task ended before it had one. */
  readonly reasonCreated: "scheduled" | "retry" | "task-retry" | "rerun" | "exception";
  /** Why it ended, where it did not complete. */
  readonly reason?: ExceptionReason | string;
  readonly message?: string;
  readonly exitCode?: number;
  /** Who claimed it. */
  readonly workerId?: string;
  readonly scheduled: Date;
  readonly started?: Date;
  readonly resolved?: Date;
  readonly takenUntil?: Date;
}

export interface TaskStatus {
  readonly taskId: string;
  readonly queue: string;
  readonly state: TaskState;
  readonly priority: Priority;
  readonly name: string | undefined;
  /** Who submitted it, where that was said. */
  readonly submitter?: string;
  readonly created: Date;
  readonly deadline: Date;
  readonly expires: Date;
  readonly retriesLeft: number;
  /** What it depends on, of whatever state. */
  readonly dependencies: readonly string[];
  /** The oldest first. */
  readonly runs: readonly Run[];
}
