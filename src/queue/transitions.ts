/**
 * What becomes of a task, and of its runs, when something happens. Pure; who keeps tasks calls these under a lock.
 *
 *   unscheduled ──schedule──▶ pending ──claim──▶ running ──resolve──▶ completed | failed | exception
 *        │                     │  ▲                │  │
 *        │                     │  └──give back─────┘  ├──lease over, worker stopped, task asks: the next run, pending,
 *        │                     │                      │  while retries are left
 *        └──────── end: canceled, deadline-exceeded, superseded ────────▶ exception ──rerun──▶ pending
 *
 * The last run is the current one; all before it are resolved. A task is in the state of its last run.
 */
import type { ExceptionReason } from "../base/errors.ts";
import type { Resolution } from "./driver.ts";
import type { Run, TaskState } from "./task.ts";

/** What of a task changes, and what decides about it. */
export interface TaskCore {
  readonly state: TaskState;
  readonly retriesLeft: number;
  readonly runs: readonly Run[];
  readonly deadline: Date;
  readonly expires: Date;
}

/** Ends that do not come from the worker. */
export type EndReason = "canceled" | "deadline-exceeded" | "superseded";

/** After these a task gets another run, while retries are left. */
const RETRIED: Readonly<Partial<Record<ExceptionReason, Run["reasonCreated"]>>> = {
  "worker-shutdown": "retry",
  "claim-expired": "retry",
  "intermittent-task": "task-retry",
};

export function isResolved({ state }: Pick<TaskCore, "state">): boolean {
  return state === "completed" || state === "failed" || state === "exception";
}

export function currentRun({ runs }: Pick<TaskCore, "runs">): Run | undefined {
  return runs.at(-1);
}

/** A task that waits for nothing any more gets its first run. */
export function schedule(core: TaskCore, now: Date): TaskCore {
  return core.state === "unscheduled" ? addRun(core, "scheduled", now) : core;
}

export function claim(core: TaskCore, by: { workerId: string; takenUntil: Date }, now: Date): TaskCore {
  if (core.state !== "pending") return core;
  return changeRun(core, (run) => ({ ...run, state: "running", started: now, ...by }));
}

export function renew(core: TaskCore, takenUntil: Date): TaskCore {
  if (core.state !== "running") return core;
  return changeRun(core, (run) => ({ ...run, takenUntil }));
}

/** Nothing was done for the run yet: somebody else takes it, and it costs no retry. */
export function giveBack(core: TaskCore): TaskCore {
  if (core.state !== "running") return core;
  return changeRun(core, ({ started: _started, workerId: _workerId, takenUntil: _takenUntil, ...run }) => ({
    ...run,
    state: "pending",
  }));
}

/** The worker says how the current run ended; or nobody does, and its lease is over. */
export function resolve(core: TaskCore, resolution: Resolution, now: Date): TaskCore {
  if (core.state !== "running") return core;
  const { kind, ...facts } = resolution;
  const resolved = changeRun(core, ({ takenUntil: _takenUntil, ...run }) => ({
    ...run,
    ...facts,
    state: kind,
    resolved: now,
  }));
  const again = resolution.kind === "exception" ? RETRIED[resolution.reason] : undefined;
  if (again === undefined || core.retriesLeft === 0) return resolved;
  return addRun({ ...resolved, retriesLeft: core.retriesLeft - 1 }, again, now);
}

/** Whatever it does, it is over. */
export function end(core: TaskCore, reason: EndReason, message: string | undefined, now: Date): TaskCore {
  if (isResolved(core)) return core;
  const withRun = core.state === "unscheduled" ? addRun(core, "exception", now) : core;
  return changeRun(withRun, ({ takenUntil: _takenUntil, ...run }) => ({
    ...run,
    state: "exception",
    reason,
    ...(message === undefined ? {} : { message }),
    resolved: now,
  }));
}

export function rerun(core: TaskCore, retries: number, now: Date): TaskCore {
  return isResolved(core) ? addRun({ ...core, retriesLeft: retries }, "rerun", now) : core;
}

/** When {@link overdue} has something to say, if nothing else happens. */
export function dueOf(core: TaskCore): Date {
  if (isResolved(core)) return core.expires;
  const { takenUntil = core.deadline } = core.state === "running" ? (currentRun(core) ?? {}) : {};
  return new Date(Math.min(takenUntil.getTime(), core.deadline.getTime()));
}

/** What time alone has done to the task; undefined: it may be forgotten. */
export function overdue(core: TaskCore, now: Date): TaskCore | undefined {
  if (dueOf(core) > now) return core;
  if (isResolved(core)) return undefined;
  if (core.deadline <= now) return end(core, "deadline-exceeded", "its deadline is over", now);
  const message = `${currentRun(core)?.workerId ?? "its worker"} has not renewed its lease`;
  return resolve(core, { kind: "exception", reason: "claim-expired", message }, now);
}

function addRun(core: TaskCore, reasonCreated: Run["reasonCreated"], now: Date): TaskCore {
  const run: Run = { runId: core.runs.length, state: "pending", reasonCreated, scheduled: now };
  return { ...core, state: "pending", runs: [...core.runs, run] };
}

function changeRun(core: TaskCore, change: (run: Run) => Run): TaskCore {
  const run = currentRun(core);
  if (run === undefined) return core;
  const changed = change(run);
  return { ...core, state: changed.state, runs: [...core.runs.slice(0, -1), changed] };
}
