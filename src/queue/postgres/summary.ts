/** What waits and runs in a queue. */
import type { QueueSummary } from "../task-queue.ts";
import type { Sql } from "./database.ts";

interface SummaryRow {
  name: string;
  unscheduled: number;
  pending: number;
  running: number;
  oldest: string | null;
}

/**
 * Those that are pending or running have a job, and those that are unscheduled wait for another task: there are indexes
 * of both. Since when a task waits is in its last run, as text that is in the order of time.
 */
export const SUMMARY = `WITH active AS MATERIALIZED (
    SELECT queue, state, runs FROM boxcar.task WHERE job IS NOT NULL
    UNION ALL SELECT queue, state, runs FROM boxcar.task
      WHERE task_id IN (SELECT task_id FROM boxcar.dependency WHERE NOT met) AND state = 'unscheduled')
  SELECT queue AS name, count(*) FILTER (WHERE state = 'unscheduled')::int AS unscheduled,
    count(*) FILTER (WHERE state = 'pending')::int AS pending,
    count(*) FILTER (WHERE state = 'running')::int AS running,
    min(runs -> -1 ->> 'scheduled') FILTER (WHERE state = 'pending') AS oldest
  FROM active GROUP BY queue ORDER BY queue COLLATE "C"`;

export async function summarize(sql: Sql): Promise<QueueSummary> {
  const rows = await sql.run<SummaryRow>({ name: "boxcar-summary", text: SUMMARY });
  const oldest = rows
    .flatMap((row) => row.oldest ?? [])
    .sort()
    .at(0);
  return {
    queues: rows.map(({ oldest: _oldest, ...counts }) => counts),
    ...(oldest === undefined ? {} : { oldestPending: new Date(oldest) }),
  };
}
