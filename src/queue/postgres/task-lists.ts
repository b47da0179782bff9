/** What the queue says of tasks to who asks. */
import type { TaskDefinition } from "../../generated/task-definition.ts";
import type { TaskState, TaskStatus } from "../task.ts";
import type { TaskDetails, TaskFilter } from "../task-queue.ts";
import type { Sql } from "./database.ts";
import { listStatement } from "./list-statement.ts";
import { findTaskId, notFound } from "./references.ts";
import { STATUS_COLUMNS, type StatusRow, statusOf } from "./task-rows.ts";

export async function listTasks(sql: Sql, filter: TaskFilter): Promise<TaskStatus[]> {
  const from = filter.before === undefined ? undefined : await findTaskId(sql, filter.before);
  return (await sql.run<StatusRow>(listStatement(filter, from))).map(statusOf);
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
