/** When a worker ends by itself. Pure. */
import { formatDuration } from "../base/units.ts";
import type { LifecycleSettings } from "../config/worker-process.ts";

/** All times are ms of one monotonic clock. */
export interface LifecycleFacts {
  readonly now: number;
  readonly started: number;
  /** Tasks claimed since the start, those that run included. */
  readonly tasksClaimed: number;
  /** Since when no task has run; undefined while one does. */
  readonly idleSince: number | undefined;
  /** Why the host will be taken away, once that is known. */
  readonly notice: string | undefined;
}

export type LifecycleDecision =
  /** Ask again after a task was claimed or has ended, and not later than in so many ms. */
  | { readonly action: "continue"; readonly askAgainInMs: number | undefined }
  | { readonly action: "drain"; readonly cause: DrainCause; readonly why: string };

export type DrainCause = "termination-notice" | "max-tasks" | "max-uptime" | "idle-exit";

/** The host that goes comes first: it leaves the least time. */
export function decideLifecycle(settings: LifecycleSettings, facts: LifecycleFacts): LifecycleDecision {
  const { maxTasks, maxUptimeMs, idleExitMs } = settings;
  if (facts.notice !== undefined) return drain("termination-notice", `the host will be taken away: ${facts.notice}`);
  if (maxTasks !== undefined && facts.tasksClaimed >= maxTasks) {
    return drain("max-tasks", `it has had ${facts.tasksClaimed} tasks, and worker.lifecycle.maxTasks is ${maxTasks}`);
  }
  const uptimeLeft = remaining(maxUptimeMs, facts.started, facts.now);
  if (maxUptimeMs !== undefined && uptimeLeft === 0) {
    return drain("max-uptime", `it has run for worker.lifecycle.maxUptime, ${formatDuration(maxUptimeMs)}`);
  }
  const idleLeft = remaining(idleExitMs, facts.idleSince, facts.now);
  if (idleExitMs !== undefined && idleLeft === 0) {
    return drain("idle-exit", `there was no task for worker.lifecycle.idleExit, ${formatDuration(idleExitMs)}`);
  }
  const times = [uptimeLeft, idleLeft].filter((time) => time !== undefined);
  return { action: "continue", askAgainInMs: times.length === 0 ? undefined : Math.min(...times, MAX_TIMER_MS) };
}

/** How many tasks it may claim at most before it ends. */
export function claimAllowance({ maxTasks }: LifecycleSettings, tasksClaimed: number): number {
  return maxTasks === undefined ? Number.POSITIVE_INFINITY : Math.max(0, maxTasks - tasksClaimed);
}

/** Timers for longer fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function remaining(limitMs: number | undefined, since: number | undefined, now: number): number | undefined {
  if (limitMs === undefined || since === undefined) return undefined;
  return Math.max(0, since + limitMs - now);
}

function drain(cause: DrainCause, why: string): LifecycleDecision {
  return { action: "drain", cause, why };
}
