/** Tasks as people name them: by an id, or the beginning of one. */
import { QueueError } from "../errors.ts";
import { isTaskId } from "../task-id.ts";
import type { Sql } from "./database.ts";

/** @throws {QueueError} `task-not-found`, `task-ambiguous` */
export async function findTaskId(sql: Sql, reference: string): Promise<string> {
  if (isTaskId(reference)) return reference;
  // Ids are letters, digits, - and _, compared byte by byte; ~ sorts behind all of them.
  const found = await sql.run<{ task_id: string }>({
    text: "SELECT task_id FROM boxcar.task WHERE task_id >= $1 AND task_id < $1 || '~' ORDER BY task_id LIMIT 2",
    values: [reference],
  });
  const [first, second] = found;
  if (reference === "" || first === undefined) throw notFound(reference);
  if (second === undefined) return first.task_id;
  const message = `several tasks begin with ${reference}, for example ${first.task_id} and ${second.task_id}; give more of the id`;
  throw new QueueError("task-ambiguous", message, { blame: "task" });
}

export function notFound(reference: string): QueueError {
  const message = `there is no task ${reference}; "boxcar queue list" shows those there are`;
  return new QueueError("task-not-found", message, { blame: "task" });
}
