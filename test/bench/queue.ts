/** How many tasks a queue takes and hands out in a second, beside the least that a queue on PostgreSQL does. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import pg from "pg";
import { EmbeddedDatabase } from "../../src/queue/embedded/embedded-database.ts";
import { type ConnectionSource, connectionOfUrl } from "../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../src/queue/postgres/postgres-queue.ts";
import { PostgresServer } from "../postgres-server.ts";
import { cpuMs, family, pssKiB } from "./process-costs.ts";
import type { BenchClaimerOptions } from "./queue-claimer.ts";

const CLAIMER = fileURLToPath(new URL("queue-claimer.ts", import.meta.url));
const WORKERS = [1, 2, 4, 8];
const TASKS_PER_ROUND = 1_500;
const SUBMITTERS = [1, 8];
const IDLE_MS = 10_000;
const nothing = async () => {};
const NO_FILES = { id: "none", put: nothing, pathOf: () => "/", remove: nothing, removeTask: nothing };

export interface QueueRow {
  database: string;
  what: string;
  /** Processes that claim, or callers that submit. */
  workers: number;
  boxcarPerSecond: number;
  rawPerSecond?: number;
}

export interface QueueReport {
  rows: QueueRow[];
  facts: Record<string, number>;
}

export async function benchQueue(): Promise<QueueReport> {
  const folder = await mkdtemp("/tmp/bxb-");
  const report: QueueReport = { rows: [], facts: {} };
  try {
    {
      const started = performance.now();
      const source = await EmbeddedDatabase.open({ directory: join(folder, "queue"), runDir: join(folder, "run") });
      await using queue = await PostgresQueue.open({ connection: source, files: NO_FILES });
      report.facts["embedded: made and opened, ms"] = Math.round(performance.now() - started);
      await measure("embedded", queue, source, report.rows);
      const pid = Number((await readFile(join(folder, "queue/data/postmaster.pid"), "utf8")).split("\n")[0]);
      Object.assign(report.facts, await costs(pid, queue));
    }
    const started = performance.now();
    const source = await EmbeddedDatabase.open({ directory: join(folder, "queue"), runDir: join(folder, "run") });
    await (await PostgresQueue.open({ connection: source, files: NO_FILES }))[Symbol.asyncDispose]();
    report.facts["embedded: started, opened, closed and stopped, ms"] = Math.round(performance.now() - started);
    await using server = await PostgresServer.start({ settings: "" });
    const connection = connectionOfUrl(await server.createDatabase());
    await using queue = await PostgresQueue.open({ connection, files: NO_FILES });
    await measure("postgres", queue, connection, report.rows);
    return report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(database: string, queue: PostgresQueue, { config }: ConnectionSource, rows: QueueRow[]) {
  for (const workers of SUBMITTERS) {
    const boxcarPerSecond = await submitRate(queue, workers);
    rows.push({ database, what: "submit", workers, boxcarPerSecond });
    await claimRate("boxcar", config, 4);
  }
  for (const workers of WORKERS) {
    await submitRate(queue, 8);
    const boxcarPerSecond = await claimRate("boxcar", config, workers);
    await fillRaw(config);
    const rawPerSecond = await claimRate("raw", config, workers);
    rows.push({ database, what: "claim and resolve", workers, boxcarPerSecond, rawPerSecond });
  }
}

async function submitRate(queue: PostgresQueue, callers: number): Promise<number> {
  const started = performance.now();
  let left = TASKS_PER_ROUND;
  const call = async () => {
    while (left-- > 0) await queue.submit({ payload: { command: ["true"] } });
  };
  await Promise.all(Array.from({ length: callers }, call));
  return perSecond(TASKS_PER_ROUND, started);
}

async function fillRaw(config: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(config);
  await client.connect();
  await client.query(`DROP TABLE IF EXISTS raw;
    CREATE TABLE raw (id bigint PRIMARY KEY, state text NOT NULL, payload json);
    CREATE INDEX ON raw (id) WHERE state = 'pending';
    INSERT INTO raw SELECT n, 'pending', '{"command":["true"]}' FROM generate_series(1, ${TASKS_PER_ROUND}) n;
    ANALYZE raw`);
  await client.end();
}

/** Of all processes together; they all wait until the last of them is ready. */
async function claimRate(kind: BenchClaimerOptions["kind"], config: pg.ClientConfig, workers: number): Promise<number> {
  const argument = JSON.stringify({ kind, config } satisfies BenchClaimerOptions);
  const children = Array.from({ length: workers }, () => execa(process.execPath, [CLAIMER, argument]));
  await Promise.all(children.map((child) => new Promise((resolve) => child.stdout?.once("data", resolve))));
  const started = performance.now();
  for (const child of children) child.stdin?.write("go\n");
  const results = await Promise.all(
    children.map(
      (child) =>
        new Promise<string>((resolve) => {
          child.stdout?.on("data", (text: Buffer) => resolve(String(text)));
        }),
    ),
  );
  const rate = perSecond(TASKS_PER_ROUND, started);
  await Promise.all(children);
  const done = results.reduce((sum, line) => sum + Number(/done (\d+)/.exec(line)?.[1]), 0);
  if (done !== TASKS_PER_ROUND) throw new Error(`${done} of ${TASKS_PER_ROUND} tasks were claimed`);
  return rate;
}

/** What the server and an idle claimer cost. */
async function costs(postmaster: number, queue: PostgresQueue): Promise<Record<string, number>> {
  const driver = queue.openDriver({ queue: "default", workerId: "idle", leaseMs: 60_000 });
  const stop = new AbortController();
  const waiting = (async () => {
    while (!stop.signal.aborted) await driver.claim(1, stop.signal).catch(() => {});
  })();
  const before = { own: process.cpuUsage(), server: await cpuMs(await family(postmaster)) };
  await delay(IDLE_MS);
  const own = process.cpuUsage(before.own);
  const server = (await cpuMs(await family(postmaster))) - before.server;
  stop.abort();
  await waiting;
  return {
    "server: memory (PSS), MiB": Math.round((await pssKiB(await family(postmaster))) / 1_024),
    "idle claimer: CPU, ms per s": (own.user + own.system) / 1_000 / (IDLE_MS / 1_000),
    "server with an idle claimer: CPU, ms per s": server / (IDLE_MS / 1_000),
  };
}

function perSecond(count: number, startedMs: number): number {
  return Math.round((count / (performance.now() - startedMs)) * 1_000);
}

export function formatQueueReport({ rows, facts }: QueueReport): string {
  const head = ["database", "what".padEnd(18), "workers", "Boxcar/s", "raw/s", "ratio"].join("  ");
  const lines = rows.map(({ database, what, workers, boxcarPerSecond, rawPerSecond }) =>
    [
      database.padEnd(8),
      what.padEnd(18),
      String(workers).padStart(7),
      String(boxcarPerSecond).padStart(8),
      (rawPerSecond === undefined ? "-" : String(rawPerSecond)).padStart(5),
      (rawPerSecond === undefined ? "-" : (boxcarPerSecond / rawPerSecond).toFixed(2)).padStart(5),
    ].join("  "),
  );
  return [
    head,
    ...lines,
    ...Object.entries(facts).map(([name, value]) => `${name}: ${Math.round(value * 10) / 10}`),
  ].join("\n");
}
