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

/** The expressions are those of an index, see migrations.ts. */
export const SUMMARY = `WITH counted AS (
    SELECT queue AS name, count(*) FILTER (WHERE state = 'unscheduled')::int AS unscheduled,
      count(*) FILTER (WHERE state = 'pending')::int AS pending,
      count(*) FILTER (WHERE state = 'running')::int AS running
    FROM boxcar.task WHERE state IN ('unscheduled', 'pending', 'running') GROUP BY queue)
  SELECT counted.*, (SELECT runs -> -1 ->> 'scheduled' FROM boxcar.task
      WHERE queue = counted.name AND state = 'pending'
      ORDER BY queue, state, runs -> -1 ->> 'scheduled' LIMIT 1) AS oldest
  FROM counted ORDER BY name COLLATE "C"`;

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
