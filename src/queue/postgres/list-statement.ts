/**
 * The statement that lists tasks. Pure.
 *
 * Only what is asked for is in it, so that the plan is made for that. Which tasks are in the list is found in an index
 * that has all that is asked about (migrations.ts): rows are read only of those.
 */
import type { TaskFilter } from "../task-queue.ts";
import type { Statement } from "./database.ts";
import { searchCondition, searchTerm } from "./search-text.ts";
import { STATUS_COLUMNS } from "./task-rows.ts";

const DEFAULT_LIMIT = 100;

/** @param before Id of a task: only older ones. */
export function listStatement({ states, queue, limit, search }: TaskFilter, before: string | undefined): Statement {
  const values: unknown[] = [limit ?? DEFAULT_LIMIT];
  const conditions: string[] = [];
  const add = (value: unknown, condition: (parameter: string) => string) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  add(states, (parameter) => `state = ANY(${parameter})`);
  // What these have, no other has: there is an index of it.
  if (states?.every((state) => state === "pending" || state === "running")) conditions.push("job IS NOT NULL");
  add(queue, (parameter) => `queue = ${parameter}`);
  add(searchTerm(search), (parameter) => searchCondition("search", parameter));
  add(before, (parameter) => `seq < (SELECT seq FROM boxcar.task WHERE task_id = ${parameter})`);
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return {
    text: `SELECT ${STATUS_COLUMNS} FROM boxcar.task
      WHERE seq = ANY(ARRAY(SELECT seq FROM boxcar.task ${where} ORDER BY seq DESC LIMIT $1)) ORDER BY seq DESC`,
    values,
  };
}
