/** One process that claims and resolves until nothing is left: `queue-claimer.ts OPTIONS`, then `go` on stdin. */
import { once } from "node:events";
import pg from "pg";
import { PostgresQueue } from "../../src/queue/postgres/postgres-queue.ts";

export interface BenchClaimerOptions {
  kind: "boxcar" | "raw";
  config: pg.ClientConfig;
}

const nothing = async () => {};
const NO_FILES = { id: "none", put: nothing, pathOf: () => "/", remove: nothing, removeTask: nothing };

const { kind, config } = JSON.parse(process.argv[2] ?? "{}") as BenchClaimerOptions;
const count = await (kind === "boxcar" ? boxcar() : raw());
process.stdout.write(`done ${count} ${process.memoryUsage().rss}\n`);

async function boxcar(): Promise<number> {
  await using queue = await PostgresQueue.open({ connection: { description: "bench", config }, files: NO_FILES });
  const driver = queue.openDriver({ queue: "default", workerId: `w${process.pid}`, leaseMs: 60_000, maxWaitMs: 0 });
  await go();
  for (let done = 0; ; done++) {
    const [claim] = await driver.claim(1, new AbortController().signal);
    if (claim === undefined) return done;
    await claim.resolve({ kind: "completed" });
  }
}

/** The least that a queue on PostgreSQL does: one statement to claim, one to resolve. */
async function raw(): Promise<number> {
  const client = new pg.Client(config);
  await client.connect();
  await go();
  for (let done = 0; ; done++) {
    const { rows } = await client.query({
      name: "claim",
      text: `UPDATE raw SET state = 'running' WHERE id =
        (SELECT id FROM raw WHERE state = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id`,
    });
    if (rows.length === 0) {
      await client.end();
      return done;
    }
    await client.query({
      name: "done",
      text: "UPDATE raw SET state = 'completed' WHERE id = $1",
      values: [rows[0].id],
    });
  }
}

async function go(): Promise<void> {
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  process.stdin.destroy();
}
