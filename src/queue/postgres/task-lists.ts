/** What the queue says of tasks to who asks. */
import type { TaskDefinition } from "../../generated/task-definition.ts";
import type { TaskState, TaskStatus } from "../task.ts";
import type { TaskDetails, TaskFilter } from "../task-queue.ts";
import type { Sql } from "./database.ts";
import { findTaskId, notFound } from "./references.ts";
import { STATUS_COLUMNS, type StatusRow, statusOf } from "./task-rows.ts";

const DEFAULT_LIMIT = 100;

export async function listTasks(sql: Sql, { states, queue, limit, before }: TaskFilter): Promise<TaskStatus[]> {
  const from = before === undefined ? undefined : await findTaskId(sql, before);
  const rows = await sql.run<StatusRow>({
    text: `SELECT ${STATUS_COLUMNS} FROM boxcar.task
      WHERE ($1::text[] IS NULL OR state = ANY($1)) AND ($2::text IS NULL OR queue = $2)
        AND ($3::text IS NULL OR seq < (SELECT seq FROM boxcar.task WHERE task_id = $3))
      ORDER BY seq DESC LIMIT $4`,
    values: [states ?? null, queue ?? null, from ?? null, limit ?? DEFAULT_LIMIT],
  });
  return rows.map(statusOf);
}

/** @throws {QueueError} `task-not-found` */
export async function findStatus(sql: Sql, taskId: string): Promise<TaskStatus> {
  const [row] = await sql.run<StatusRow>({
    name: "boxcar-status",
    text: `SELECT ${STATUS_COLUMNS} FROM boxcar.task WHERE task_id = $1`,
    values: [taskId],
  });
  if (row === undefined) throw notFound(taskId);
  return statusOf(row);
}

/** @throws {QueueError} `task-not-found` */
export async function showTask(sql: Sql, taskId: string): Promise<TaskDetails> {
  const [row] = await sql.run<
    StatusRow & { payload: TaskDefinition["payload"]; details: Omit<TaskDefinition, "payload"> }
  >({
    text: `SELECT ${STATUS_COLUMNS}, payload, details FROM boxcar.task WHERE task_id = $1`,
    values: [taskId],
  });
  if (row === undefined) throw notFound(taskId);
  return {
    ...statusOf(row),
    definition: { ...row.details, payload: row.payload },
    waitsFor: await listUnmet(sql, row),
  };
}

async function listUnmet(sql: Sql, { task_id, state }: StatusRow): Promise<TaskDetails["waitsFor"]> {
  if (state !== "unscheduled") return [];
  const rows = await sql.run<{ task_id: string; state: TaskState }>({
    text: `SELECT t.task_id, t.state FROM boxcar.dependency d JOIN boxcar.task t ON t.task_id = d.depends_on
      WHERE d.task_id = $1 AND NOT d.met ORDER BY t.seq`,
    values: [task_id],
  });
  return rows.map((row) => ({ taskId: row.task_id, state: row.state }));
}
