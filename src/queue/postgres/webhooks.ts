/** Messages about tasks in the database, where a trigger on tasks has written them; see migrations.ts. */
import type { TaskState } from "../task.ts";
import type { Hook, HookMessage, WebhookOutbox } from "../webhook-outbox.ts";
import type { Database } from "./database.ts";
import { type RunRow, runOf } from "./task-rows.ts";

interface MessageRow {
  readonly task_id: string;
  readonly run_id: number;
  readonly state: string;
  readonly queue: string;
  readonly name: string | null;
  readonly runs: readonly RunRow[];
  readonly time: Date;
  readonly attempts: number;
  readonly tried_ms: number;
}

export class PostgresWebhooks implements WebhookOutbox {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async register(hooks: readonly Hook[]): Promise<void> {
    for (const { id, url, events, queue } of hooks) {
      await this.#database.run({
        text: `INSERT INTO boxcar.webhook (id, url, events, queue, seen) VALUES ($1, $2, $3, $4, now())
          ON CONFLICT (id) DO UPDATE SET events = $3, seen = now(), disabled = false`,
        values: [id, url, events, queue ?? null],
      });
    }
  }

  async keep(ids: readonly string[]): Promise<void> {
    await this.#database.run({ text: "UPDATE boxcar.webhook SET seen = now() WHERE id = ANY($1)", values: [ids] });
    await this.#database.run({ text: "DELETE FROM boxcar.webhook WHERE seen < now() - interval '7 days'" });
    // Those that are settled say that nobody has to be told the same again.
    await this.#database.run({
      text: `DELETE FROM boxcar.webhook_message
        WHERE time < now() - CASE WHEN due IS NULL THEN interval '2 days' ELSE interval '7 days' END`,
    });
  }

  async take(hook: string, count: number, leaseMs: number): Promise<HookMessage[]> {
    const rows = await this.#database.run<MessageRow>({
      name: "boxcar-take-messages",
      text: `UPDATE boxcar.webhook_message m
        SET attempts = attempts + 1, first = coalesce(first, now()), due = now() + $3 * interval '1 ms'
        FROM (SELECT task_id, run_id, state FROM boxcar.webhook_message WHERE hook = $1 AND due <= now()
          ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED) AS taken
        WHERE m.hook = $1 AND m.task_id = taken.task_id AND m.run_id = taken.run_id AND m.state = taken.state
        RETURNING m.task_id, m.run_id, m.state, queue, name, runs, time, attempts,
          extract(epoch FROM now() - first)::float8 * 1000 AS tried_ms`,
      values: [hook, count, leaseMs],
    });
    const messages = rows.map((row) => messageOf(hook, row));
    return messages.sort((a, b) => a.time.getTime() - b.time.getTime());
  }

  async settle({ hook, taskId, runId, state, attempt }: HookMessage, againInMs?: number): Promise<void> {
    await this.#database.run({
      name: "boxcar-settle-message",
      text: `UPDATE boxcar.webhook_message SET due = now() + $6 * interval '1 ms'
        WHERE hook = $1 AND task_id = $2 AND run_id = $3 AND state = $4 AND attempts = $5`,
      values: [hook, taskId, runId, state, attempt, againInMs ?? null],
    });
  }

  async disable(hook: string): Promise<void> {
    await this.#database.run({ text: "UPDATE boxcar.webhook SET disabled = true WHERE id = $1", values: [hook] });
    await this.#database.run({
      text: "UPDATE boxcar.webhook_message SET due = NULL WHERE hook = $1 AND due IS NOT NULL",
      values: [hook],
    });
  }
}

function messageOf(hook: string, row: MessageRow): HookMessage {
  const run = row.runs[row.run_id];
  return {
    hook,
    taskId: row.task_id,
    runId: row.run_id,
    state: row.state as TaskState,
    queue: row.queue,
    name: row.name ?? undefined,
    run: run && runOf(run),
    time: row.time,
    attempt: row.attempts,
    triedForMs: row.tried_ms,
  };
}
