/** A new task: its row, what it depends on, what it makes superfluous. */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { tryParseDuration } from "../../base/units.ts";
import type { TaskDefinition } from "../../generated/task-definition.ts";
import { QueueError } from "../errors.ts";
import type { TaskState } from "../task.ts";
import type { SubmitOptions } from "../task-queue.ts";
import { dueOf, end, schedule, type TaskCore } from "../transitions.ts";
import { searchText } from "./search-text.ts";
import { supersededBy, type TaskTransaction } from "./task-store.ts";

/** With what the schema fills in. */
export type CompleteDefinition = TaskDefinition &
  Required<
    Pick<TaskDefinition, "queue" | "priority" | "dependencies" | "requires" | "retries" | "deadline" | "expires">
  >;

/** Nothing happens if it was submitted before. @throws {QueueError} see TaskQueue.submit(). */
export async function submitTask(
  tasks: TaskTransaction,
  taskId: string,
  definition: CompleteDefinition,
  { submitter, supersedes = "all" }: Pick<SubmitOptions, "submitter" | "supersedes">,
): Promise<void> {
  if (await wasSubmitted(tasks, taskId, definition)) return;
  const met = await lockDependencies(tasks, definition);
  const whose = supersedes === "all" ? undefined : { submitter: submitter ?? null };
  if (definition.supersede !== undefined) await supersede(tasks, definition.queue, definition.supersede, whose);
  // Last: what comes later in the list was submitted later.
  const now = await clock(tasks);
  const unmet = definition.dependencies.length - met.size;
  const waiting = newCore(definition, now);
  const core = unmet === 0 ? schedule(waiting, now) : waiting;
  const job = core.state === "pending" ? randomUUID() : undefined;
  const { queue, retries, priority, supersede: key, metadata } = definition;
  insertTask(tasks, { taskId, definition, submitter, core, unmet, job, now });
  insertDependencies(tasks, taskId, definition.dependencies, met);
  const task = { taskId, queue, name: metadata?.name, priority, retries, supersede: key, job, core };
  await tasks.addJob(task, false);
  tasks.note(task, now);
}

async function wasSubmitted(tasks: TaskTransaction, taskId: string, definition: TaskDefinition): Promise<boolean> {
  const [found] = await tasks.sql.run<{ payload: object; details: object }>({
    name: "boxcar-find-definition",
    text: "SELECT payload, details FROM boxcar.task WHERE task_id = $1",
    values: [taskId],
  });
  if (found === undefined) return false;
  if (isDeepStrictEqual({ ...found.details, payload: found.payload }, JSON.parse(JSON.stringify(definition))))
    return true;
  const message = `there is another task ${taskId} already; leave the id out, and the task gets one of its own`;
  throw new QueueError("task-exists", message, { blame: "task" });
}

/** The dependencies that are met already. All are locked: one that ends after this finds the new task. */
async function lockDependencies(
  { sql }: TaskTransaction,
  { dependencies, requires }: CompleteDefinition,
): Promise<Set<string>> {
  if (dependencies.length === 0) return new Set();
  const found = await sql.run<{ task_id: string; state: TaskState }>({
    name: "boxcar-lock-dependencies",
    text: "SELECT task_id, state FROM boxcar.task WHERE task_id = ANY($1) ORDER BY task_id FOR SHARE",
    values: [dependencies],
  });
  const states = new Map(found.map(({ task_id, state }) => [task_id, state]));
  const missing = dependencies.find((id) => !states.has(id));
  if (missing !== undefined) {
    const message = `there is no task ${missing} to depend on; submit it first`;
    throw new QueueError("dependency-not-found", message, { blame: "task" });
  }
  const meeting: readonly string[] = requires === "all-resolved" ? ["completed", "failed", "exception"] : ["completed"];
  return new Set(dependencies.filter((id) => meeting.includes(states.get(id) ?? "")));
}

/** Those that wait under the same key end. Of two that come at the same time, one comes first. */
async function supersede(
  tasks: TaskTransaction,
  queue: string,
  key: string,
  whose: { submitter: string | null } | undefined,
): Promise<void> {
  tasks.sql.send({ text: "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", values: [`${queue}\n${key}`] });
  const found = await tasks.sql.run<{ task_id: string }>({
    text: `SELECT task_id FROM boxcar.task
      WHERE queue = $1 AND supersede = $2 AND state IN ('unscheduled', 'pending')
        AND ($3 OR submitter IS NOT DISTINCT FROM $4::text)`,
    values: [queue, key, whose === undefined, whose?.submitter ?? null],
  });
  const { tasks: locked, now } = await tasks.lock(found.map(({ task_id }) => task_id));
  for (const task of locked) {
    if (task.core.state !== "unscheduled" && task.core.state !== "pending") continue;
    await tasks.write(task, end(task.core, "superseded", supersededBy(key), now), now);
  }
}

async function clock({ sql }: TaskTransaction): Promise<Date> {
  const [row] = await sql.run<{ now: Date }>({ name: "boxcar-clock", text: "SELECT clock_timestamp() AS now" });
  return row?.now ?? new Date();
}

function newCore({ deadline, expires, retries }: CompleteDefinition, now: Date): TaskCore {
  const core: TaskCore = {
    state: "unscheduled",
    retriesLeft: retries,
    runs: [],
    deadline: after(now, "deadline", deadline),
    expires: after(now, "expires", expires),
  };
  if (core.deadline <= core.expires) return core;
  const message = `the task would be forgotten (expires: ${expires}) before its deadline (${deadline}); let it expire later`;
  throw new QueueError("deadline-after-expiry", message, { blame: "task" });
}

/** Farther than any task lives, and a date that everybody can represent. */
const MAX_MS = 100 * 365 * 86_400_000;

function after(now: Date, field: string, duration: number | string): Date {
  const ms = tryParseDuration(duration);
  if (ms !== undefined && ms <= MAX_MS) return new Date(now.getTime() + ms);
  const message = `${field}: ${JSON.stringify(duration)} is no duration of at most 100 years, such as "1 day 2 hours"`;
  throw new QueueError("duration-refused", message, { blame: "task" });
}

interface NewTask {
  readonly taskId: string;
  readonly definition: CompleteDefinition;
  readonly submitter: string | undefined;
  readonly core: TaskCore;
  readonly unmet: number;
  readonly job: string | undefined;
  readonly now: Date;
}

function insertTask({ sql }: TaskTransaction, task: NewTask): void {
  const { taskId, definition, submitter, core, unmet, job, now } = task;
  const { payload, ...details } = definition;
  const { queue, priority, retries, metadata, supersede: key } = details;
  sql.send({
    name: "boxcar-insert",
    text: `INSERT INTO boxcar.task (task_id, queue, priority, name, payload, details, dependencies, requires, supersede,
        created, deadline, expires, state, retries, retries_left, unmet, runs, job, due, submitter, search)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16, $17, $18, $19, $20)`,
    values: [
      ...[taskId, queue, priority, metadata?.name ?? null, JSON.stringify(payload), JSON.stringify(details)],
      ...[details.dependencies, details.requires, key ?? null, now],
      ...[core.deadline, core.expires, core.state, retries, unmet, JSON.stringify(core.runs), job ?? null, dueOf(core)],
      ...[submitter ?? null, searchText(taskId, definition)],
    ],
  });
}

function insertDependencies(
  { sql }: TaskTransaction,
  taskId: string,
  dependencies: readonly string[],
  met: ReadonlySet<string>,
): void {
  if (dependencies.length === 0) return;
  sql.send({
    name: "boxcar-insert-dependencies",
    text: "INSERT INTO boxcar.dependency (task_id, depends_on, met) SELECT $1, id, id = ANY($3) FROM unnest($2::text[]) AS id",
    values: [taskId, dependencies, [...met]],
  });
}
