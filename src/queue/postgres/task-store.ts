/**
 * Tasks in the database: read under a lock, changed by transitions, and written together with all that follows from
 * the change: the job that claimers find, the tasks that depend on it, who has to be told.
 *
 * Locks are taken on tasks in the order of their ids, and on a job after its task. A claimer, who comes the other way,
 * does not wait for the task (`NOWAIT`) but begins anew.
 */
import { randomUUID } from "node:crypto";
import type { TaskEvent } from "../queue-events.ts";
import { dueOf, end, isResolved, overdue, schedule, type TaskCore } from "../transitions.ts";
import type { Database, Transaction } from "./database.ts";
import type { Jobs } from "./jobs.ts";
import { notify } from "./notices.ts";
import { CORE_COLUMNS, type CoreRow, recordOf, type TaskRecord, textOfRuns } from "./task-rows.ts";

export interface Locked {
  readonly tasks: TaskRecord[];
  /** How many rows were found, also of tasks that are forgotten now. */
  readonly count: number;
  /** Of the database; the same for the whole transaction. */
  readonly now: Date;
}

/** A row of a task and of the database's clock, or only the name of the job. */
export type Taken<Row> = { readonly taken: string } & ((Row & { readonly now: Date }) | { readonly task_id: null });

/** Called after the transaction in which it happened. */
export interface StoreEvents {
  /** There is something to claim in a task queue. */
  onPending(queue: string): void;
  onEvent(event: TaskEvent): void;
}

export class TaskStore {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly #told: StoreEvents;

  constructor(database: Database, jobs: Jobs, told: StoreEvents) {
    this.database = database;
    this.jobs = jobs;
    this.#told = told;
  }

  /** @throws {QueueError}, as {@link Database.transaction} does. */
  async transaction<T>(work: (tasks: TaskTransaction) => Promise<T>): Promise<T> {
    let last: TaskTransaction | undefined;
    const result = await this.database.transaction(async (sql) => {
      last = new TaskTransaction(sql, this.jobs);
      return await work(last);
    });
    for (const queue of last?.pending ?? []) this.#told.onPending(queue);
    for (const event of last?.events ?? []) this.#told.onEvent(event);
    return result;
  }
}

export class TaskTransaction {
  readonly sql: Transaction;
  /** Task queues in which there is something to claim after it. */
  readonly pending = new Set<string>();
  /** What has happened to tasks in it. */
  readonly events: TaskEvent[] = [];
  readonly #jobs: Jobs;
  /** Locked tasks, and whether others wait for them. */
  readonly #isAwaited = new Map<string, boolean>();

  constructor(sql: Transaction, jobs: Jobs) {
    this.sql = sql;
    this.#jobs = jobs;
  }

  /** Locks tasks until the end of the transaction, and applies to them what time has done meanwhile. */
  async lock(ids: readonly string[]): Promise<Locked> {
    const locked = this.sql.run<CoreRow & { now: Date }>({
      name: "boxcar-lock",
      text: `SELECT ${CORE_COLUMNS}, clock_timestamp() AS now FROM boxcar.task
        WHERE task_id = ANY($1) ORDER BY task_id FOR UPDATE`,
      values: [ids],
    });
    // A statement of its own, which begins when the tasks are locked: who comes to depend on one locks it as well.
    const [rows, awaited] = await Promise.all([locked, this.#findAwaited(ids)]);
    for (const id of ids) this.#isAwaited.set(id, awaited.has(id));
    return await this.#current(rows);
  }

  async #findAwaited(ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.sql.run<{ depends_on: string }>({
      name: "boxcar-awaited",
      text: "SELECT DISTINCT depends_on FROM boxcar.dependency WHERE depends_on = ANY($1) AND NOT met",
      values: [ids],
    });
    return new Set(rows.map(({ depends_on }) => depends_on));
  }

  async lockDue(limit: number): Promise<Locked> {
    const rows = await this.sql.run<CoreRow & { now: Date }>({
      name: "boxcar-lock-due",
      text: `SELECT ${CORE_COLUMNS}, clock_timestamp() AS now FROM boxcar.task
        WHERE due <= now() ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED`,
      values: [limit],
    });
    return await this.#current(rows);
  }

  /**
   * Takes jobs and locks the tasks that have them, the oldest first; `task_id` is null where no task has it any more.
   *
   * @throws what makes the transaction begin anew, if somebody else has one of them.
   */
  async takeJobs<Row extends CoreRow>(queue: string, count: number, columns: string): Promise<Taken<Row>[]> {
    const read = (taken: string) => `WITH taken AS (${taken}), locked AS MATERIALIZED (
        SELECT seq, ${CORE_COLUMNS}, ${columns}, clock_timestamp() AS now FROM boxcar.task
        WHERE job = ANY(ARRAY(SELECT id FROM taken)) FOR UPDATE NOWAIT)
      SELECT taken.id AS taken, locked.* FROM taken LEFT JOIN locked ON locked.job = taken.id ORDER BY seq`;
    return await this.#jobs.take<Taken<Row>>(this.sql, queue, count, read);
  }

  /** @param job Of no task. */
  async removeJob(queue: string, job: string): Promise<void> {
    await this.#jobs.remove(this.sql, queue, job);
  }

  async #current(rows: readonly (CoreRow & { now: Date })[]): Promise<Locked> {
    const now = rows[0]?.now ?? new Date();
    const tasks: TaskRecord[] = [];
    for (const row of rows) {
      const task = recordOf(row);
      const core = overdue(task.core, now);
      if (core === undefined)
        this.sql.send({ text: "DELETE FROM boxcar.task WHERE task_id = $1", values: [task.taskId] });
      else tasks.push(await this.write(task, core, now));
    }
    return { tasks, now, count: rows.length };
  }

  /** Writes what became of a task that is locked, if anything did. */
  async write(before: TaskRecord, core: TaskCore, now: Date): Promise<TaskRecord> {
    if (core === before.core) return before;
    return await this.#write(before, await this.#orSuperseded(before, core, now), now);
  }

  /** Who would wait again finds that a newer one has come under his key. */
  async #orSuperseded({ taskId, queue, supersede, core: before }: TaskRecord, core: TaskCore, now: Date) {
    if (supersede === undefined || before.state !== "running" || core.state !== "pending") return core;
    const [newer] = await this.sql.run({
      name: "boxcar-newer",
      text: `SELECT 1 FROM boxcar.task own JOIN boxcar.task newer
          ON newer.queue = $2 AND newer.supersede = $3 AND newer.seq > own.seq
          AND newer.submitter IS NOT DISTINCT FROM own.submitter
        WHERE own.task_id = $1 LIMIT 1`,
      values: [taskId, queue, supersede],
    });
    return newer === undefined ? core : end(core, "superseded", supersededBy(supersede), now);
  }

  async #write(before: TaskRecord, core: TaskCore, now: Date): Promise<TaskRecord> {
    const job = jobAfter(before, core);
    const after: TaskRecord = { ...before, core, job };
    const isNew = job !== before.job;
    this.#update(after);
    if (isNew && before.job !== undefined) await this.#jobs.remove(this.sql, before.queue, before.job);
    if (isNew) await this.addJob(after, hasWaited(before.core, core));
    this.#tellHolder(before, after);
    if (core.state !== before.core.state || core.runs.length !== before.core.runs.length) this.note(after, now);
    if (isResolved(core) && !isResolved(before.core)) await this.#tellDependents(after, now);
    return after;
  }

  /** It is in another state than before. */
  note({ taskId, queue, name, core }: TaskRecord, now: Date): void {
    const { state, runs } = core;
    this.events.push({
      ...{ kind: "task", taskId, state, queue, time: now.toISOString() },
      ...(runs.length === 0 ? {} : { runId: runs.length - 1 }),
      ...(name === undefined ? {} : { name }),
    });
  }

  /** Lets claimers find a task that is pending. */
  async addJob({ queue, priority, job }: TaskRecord, first: boolean): Promise<void> {
    if (job === undefined) return;
    await this.#jobs.add(this.sql, queue, { id: job, priority, first });
    this.pending.add(queue);
  }

  #update({ taskId, core, job }: TaskRecord): void {
    this.sql.send({
      name: "boxcar-update",
      text: "UPDATE boxcar.task SET state = $2, retries_left = $3, runs = $4, job = $5, due = $6 WHERE task_id = $1",
      values: [taskId, core.state, core.retriesLeft, textOfRuns(core.runs), job ?? null, dueOf(core)],
    });
  }

  /** Tasks whose last dependency this was are pending now. */
  async #tellDependents({ taskId, core }: TaskRecord, now: Date): Promise<void> {
    if (this.#isAwaited.get(taskId) === false) return;
    const found = await this.sql.run<{ task_id: string }>({
      name: "boxcar-dependents",
      text: `SELECT d.task_id FROM boxcar.dependency d JOIN boxcar.task t USING (task_id)
        WHERE d.depends_on = $1 AND NOT d.met AND ($2 OR t.requires = 'all-resolved') ORDER BY d.task_id`,
      values: [taskId, core.state === "completed"],
    });
    if (found.length === 0) return;
    const ids = found.map(({ task_id }) => task_id);
    this.sql.send({
      text: "SELECT 1 FROM boxcar.task WHERE task_id = ANY($1) ORDER BY task_id FOR UPDATE",
      values: [ids],
    });
    this.sql.send({
      text: "UPDATE boxcar.dependency SET met = true WHERE depends_on = $1 AND task_id = ANY($2)",
      values: [taskId, ids],
    });
    const free = await this.sql.run<{ task_id: string }>({
      text: `UPDATE boxcar.task SET unmet = unmet - 1 WHERE task_id = ANY($1)
        RETURNING CASE WHEN unmet = 0 THEN task_id END AS task_id`,
      values: [ids],
    });
    const { tasks } = await this.lock(free.map(({ task_id }) => task_id).filter((id) => id !== null));
    for (const task of tasks) await this.write(task, schedule(task.core, now), now);
  }

  #tellHolder(before: TaskRecord, after: TaskRecord): void {
    if (before.core.state !== "running" || before.job === undefined || before.job === after.job) return;
    const run = after.core.runs[before.core.runs.length - 1];
    const reason = run?.reason;
    if (
      reason !== "canceled" &&
      reason !== "deadline-exceeded" &&
      reason !== "superseded" &&
      reason !== "claim-expired"
    )
      return;
    notify(this.sql, { kind: "lost", job: before.job, reason, message: run?.message ?? reason });
  }
}

/** Each time a task becomes pending it gets a new name for claimers; who claims it knows it by that. */
function jobAfter(before: TaskRecord, { state, runs }: TaskCore): string | undefined {
  if (state !== "pending" && state !== "running") return undefined;
  const isSameRun = before.core.runs.length === runs.length && before.job !== undefined;
  const wasGivenBack = before.core.state === "running" && state === "pending";
  return isSameRun && !wasGivenBack ? before.job : randomUUID();
}

export function supersededBy(key: string): string {
  return `a newer task came under the key ${key}`;
}

/** Who was at work already comes before those that never were. */
function hasWaited(before: TaskCore, after: TaskCore): boolean {
  return before.state === "running" && after.state === "pending";
}
