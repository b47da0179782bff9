/** Brings a database to the tables this version needs; safe when several processes start at once. */
import type { WorkerError } from "../../base/errors.ts";
import { QueueError } from "../errors.ts";
import type { Database, Sql } from "./database.ts";
import { MIGRATIONS } from "./migrations.ts";

/** Any number, as long as it stays the same. */
const LOCK = 0x62_6f_78_63;

const MIN_SERVER_VERSION = 150_000;

/** Tables that belong to somebody else. */
export interface ForeignTables {
  /** Whether all of them are there, for good. */
  installed(): Promise<boolean>;
  /** Makes or updates them; called under the lock unless they are there. */
  install(): Promise<void>;
}

/**
 * @throws {QueueError} `queue-too-new`, `queue-database-too-old`
 */
export async function migrate(database: Database, jobs: ForeignTables): Promise<void> {
  await requireVersion(database);
  const found = await currentVersion(database);
  if (found === MIGRATIONS.length && (await jobs.installed())) return await jobs.install();
  // The lock is given back when the connection ends, however that happens.
  const client = await database.connect();
  try {
    await client.query("SET statement_timeout = 0; SET lock_timeout = 0");
    await client.query({ text: "SELECT pg_advisory_lock($1)", values: [LOCK], query_timeout: 120_000 } as never);
    await database.transaction(advance);
    await jobs.install();
  } finally {
    await client.end();
  }
}

async function requireVersion(database: Database): Promise<void> {
  const [row] = await database.run<{ version: number; name: string }>({
    text: "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name",
  });
  if (row !== undefined && row.version >= MIN_SERVER_VERSION) return;
  const message = `the queue (${database.description}) is PostgreSQL ${row?.name}; 15 or newer is needed`;
  throw new QueueError("queue-database-too-old", message, { blame: "host" });
}

async function currentVersion(sql: Sql): Promise<number> {
  const [table] = await sql.run<{ there: boolean }>({
    text: "SELECT to_regclass('boxcar.migration') IS NOT NULL AS there",
  });
  if (table?.there !== true) return 0;
  const [row] = await sql.run<{ version: number }>({ text: "SELECT max(version) AS version FROM boxcar.migration" });
  return row?.version ?? 0;
}

async function advance(sql: Sql): Promise<void> {
  await sql.run({ text: "CREATE SCHEMA IF NOT EXISTS boxcar" });
  await sql.run({
    text: "CREATE TABLE IF NOT EXISTS boxcar.migration (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())",
  });
  const version = await currentVersion(sql);
  if (version > MIGRATIONS.length) throw tooNew(version);
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await sql.run({ text: step });
    await sql.run({ text: "INSERT INTO boxcar.migration (version) VALUES ($1)", values: [index + 1] });
  }
}

function tooNew(version: number): WorkerError {
  const message = `the queue was used by a newer Boxcar (its tables are of version ${version}, this one knows ${MIGRATIONS.length}); update Boxcar on this host`;
  return new QueueError("queue-too-new", message, { blame: "host" });
}
