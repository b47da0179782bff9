/** Lists and counts where there are many tasks that are over: which rows are read for them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { Database, type Statement } from "../../../src/queue/postgres/database.ts";
import { Jobs } from "../../../src/queue/postgres/jobs.ts";
import { listStatement } from "../../../src/queue/postgres/list-statement.ts";
import { SUMMARY } from "../../../src/queue/postgres/summary.ts";
import { PostgresServer } from "../../postgres-server.ts";

let server: PostgresServer;
let database: Database;

const OLD_TASKS = 20_000;

beforeAll(async () => {
  server = await PostgresServer.start();
  database = new Database(connectionOfUrl(await server.createDatabase()));
  await (await Jobs.open(database))[Symbol.asyncDispose]();
  const insert = (count: number, state: string) =>
    database.run({
      text: `INSERT INTO boxcar.task (task_id, queue, priority, name, payload, details, dependencies, requires, created,
          deadline, expires, state, retries, retries_left, unmet, runs, due, job, search)
        SELECT lpad($2 || n, 22, '0'), 'queue-' || n % 5, 'medium', 'name ' || n,
          json_build_object('command', repeat('x', 500)), '{}', '{}', 'all-completed', now(), now() + interval '1 day',
          now() + interval '28 days', $2, 5, 5, 0, '[{"runId": 0, "scheduled": "2026-01-01T00:00:00.000Z"}]',
          now() + interval '28 days', CASE WHEN $2 IN ('pending', 'running') THEN gen_random_uuid() END, lpad($2 || n, 22, '0') || E'\\nname ' || n || E'\\nlinux'
        FROM generate_series(1, $1::int) n`,
      values: [count, state],
    });
  await insert(OLD_TASKS, "completed");
  await insert(20, "pending");
  await insert(10, "running");
  await insert(15, "unscheduled");
  await database.run({
    text: `INSERT INTO boxcar.dependency (task_id, depends_on, met)
      SELECT task_id, 'another', false FROM boxcar.task WHERE state = 'unscheduled'`,
  });
  await database.run({ text: "VACUUM ANALYZE boxcar.task" });
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

interface Plan {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Heap Fetches"?: number;
  readonly Plans?: readonly Plan[];
}

async function planOf({ text, values = [] }: Pick<Statement, "text" | "values">): Promise<Plan[]> {
  const [row] = await database.run<{ "QUERY PLAN": [{ Plan: Plan }] }>({
    text: `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    values,
  });
  const flat = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flat)];
  return row === undefined ? [] : flat(row["QUERY PLAN"][0].Plan);
}

/** Rows of the table that were read, beside what an index says. */
function rowsRead(plan: readonly Plan[]): number {
  return plan
    .filter((node) => /^(Index|Seq|Bitmap Heap) /.test(node["Node Type"]))
    .map((node) => node["Heap Fetches"] ?? node["Actual Rows"] * node["Actual Loops"])
    .reduce((sum, rows) => sum + rows, 0);
}

describe("a queue with many old tasks", () => {
  it.each([
    ["the newest", {}, 100],
    ["those that wait or run", { states: ["pending", "running"] }, 30],
    ["those in a state that none is in", { states: ["failed", "exception"] }, 0],
    ["those of a task queue that there is not", { queue: "none" }, 0],
    ["those with a word in the name", { search: "name 777", limit: 200 }, 11],
    ["those with a word that none has", { search: "no such word" }, 0],
    ["those of an id", { search: "00000000000completed17" }, 0],
  ] as const)("lists %s, and reads what is in the list only", async (_, filter, expected) => {
    const statement = listStatement(filter, undefined);
    const found = (await database.run(statement)).length;
    const plan = await planOf(statement);
    expect(plan.map((node) => node["Node Type"])).not.toContain("Seq Scan");
    expect(rowsRead(plan)).toBeLessThanOrEqual(3 * found + 60);
    if (expected > 0) expect(found).toBe(expected);
  });

  it("counts what waits and runs, and reads nothing else", async () => {
    const plan = await planOf({ text: SUMMARY });
    const ofTasks = plan.filter((node) => node["Relation Name"] === "task");
    expect(ofTasks.map((node) => node["Node Type"])).not.toContain("Seq Scan");
    expect(plan.map((node) => node["Index Name"])).toContain("task_job");
    expect(rowsRead(plan)).toBeLessThanOrEqual(100);
  });
});
