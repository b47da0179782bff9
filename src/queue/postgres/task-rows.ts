/** Rows of boxcar.task ↔ what the queue says of tasks. */
import { PRIORITIES, type Priority, type Run, type TaskState, type TaskStatus } from "../task.ts";
import type { TaskCore } from "../transitions.ts";

/** What a transition needs of a task; short, since it is read for every step. */
export const CORE_COLUMNS =
  "task_id, queue, priority, state, retries, retries_left, supersede, runs, job, deadline, expires, name";

/** For lists. */
export const STATUS_COLUMNS = `${CORE_COLUMNS}, created, dependencies, submitter`;

export interface CoreRow {
  task_id: string;
  queue: string;
  priority: string;
  state: string;
  retries: number;
  retries_left: number;
  supersede: string | null;
  runs: readonly RunRow[];
  job: string | null;
  deadline: Date;
  expires: Date;
  name: string | null;
}

export interface StatusRow extends CoreRow {
  created: Date;
  dependencies: readonly string[];
  submitter: string | null;
}

type RunTime = "scheduled" | "started" | "resolved" | "takenUntil";

/** As JSON has it. */
export type RunRow = Omit<Run, RunTime> & { readonly [K in RunTime]?: string };

/** A task that is locked, and may be changed. */
export interface TaskRecord {
  readonly taskId: string;
  readonly queue: string;
  readonly name: string | undefined;
  readonly priority: Priority;
  readonly retries: number;
  /** Key under which newer tasks come. */
  readonly supersede: string | undefined;
  readonly job: string | undefined;
  readonly core: TaskCore;
}

export function recordOf(row: CoreRow): TaskRecord {
  return {
    taskId: row.task_id,
    queue: row.queue,
    name: row.name ?? undefined,
    priority: priorityOf(row.priority),
    retries: row.retries,
    supersede: row.supersede ?? undefined,
    job: row.job ?? undefined,
    core: {
      state: row.state as TaskState,
      retriesLeft: row.retries_left,
      runs: row.runs.map(runOf),
      deadline: row.deadline,
      expires: row.expires,
    },
  };
}

export function statusOf(row: StatusRow): TaskStatus {
  return {
    taskId: row.task_id,
    queue: row.queue,
    state: row.state as TaskState,
    priority: priorityOf(row.priority),
    name: row.name ?? undefined,
    ...(row.submitter === null ? {} : { submitter: row.submitter }),
    created: row.created,
    deadline: row.deadline,
    expires: row.expires,
    retriesLeft: row.retries_left,
    dependencies: row.dependencies,
    runs: row.runs.map(runOf),
  };
}

export function runOf({ scheduled, started, resolved, takenUntil, ...run }: RunRow): Run {
  return {
    ...run,
    scheduled: new Date(scheduled ?? 0),
    ...(started === undefined ? {} : { started: new Date(started) }),
    ...(resolved === undefined ? {} : { resolved: new Date(resolved) }),
    ...(takenUntil === undefined ? {} : { takenUntil: new Date(takenUntil) }),
  };
}

/** As the column `runs` takes them: texts of guests may hold what PostgreSQL has none for, and it looks into this one. */
export function textOfRuns(runs: readonly Run[]): string {
  return JSON.stringify(runs, (_key, value: unknown) =>
    typeof value === "string" ? value.toWellFormed().replaceAll("\0", "\ufffd") : value,
  );
}

/** One that a newer version has written counts as the usual one. */
function priorityOf(text: string): Priority {
  return PRIORITIES.find((priority) => priority === text) ?? "medium";
}
