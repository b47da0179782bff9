/**
 * What is claimed next, by priority and age: pg-boss, with one job for each run that is pending or running.
 *
 * pg-boss hands each job to one claimer only, and no more than that: when a run ends its job is deleted, and leases,
 * retries and deadlines are the task's (transitions.ts), in the same transaction.
 */
import { createHash, randomUUID } from "node:crypto";
import { type Db, PgBoss } from "pg-boss";
import { PRIORITIES, type Priority } from "../task.ts";
import type { Database, Sql, Statement, Transaction } from "./database.ts";
import { migrate } from "./migrate.ts";

const SCHEMA = "boxcar_jobs";

/** The longest pg-boss allows; nothing here makes it look. */
const EXPIRES_SECONDS = 86_400;

export class Jobs implements AsyncDisposable {
  readonly #boss: PgBoss;
  readonly #known = new Set<string>();
  #stopping: Promise<void> | undefined;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** Makes or updates all tables of the queue, its own and those of pg-boss. */
  static async open(database: Database): Promise<Jobs> {
    const boss = new PgBoss({
      db: dbOf(database),
      schema: SCHEMA,
      // Nothing of this is used, and it costs statements.
      supervise: false,
      schedule: false,
    });
    // What fails is told to who asked; timers of its own are tried again.
    boss.on("error", () => {});
    await migrate(database, {
      installed: () => isInstalled(database),
      install: async () => void (await boss.start()),
    });
    return new Jobs(boss);
  }

  /** Makes a task queue known, so that jobs can be added to it and taken from it. Not in a transaction. */
  async prepare(queue: string): Promise<void> {
    if (this.#known.has(queue)) return;
    await this.#boss.createQueue(queue, { expireInSeconds: EXPIRES_SECONDS, retryLimit: 0 });
    // It keeps what it knows of a queue once it was asked, and would ask outside of our transactions.
    await this.#boss.findJobs(queue, { id: randomUUID() });
    this.#known.add(queue);
  }

  /**
   * Takes jobs, and reads in the same statement what is wanted of them.
   *
   * @param read Makes, of a statement that takes jobs and has a row with `id` for each, the one that is run.
   */
  async take<Row extends object>(
    { run }: Sql,
    queue: string,
    count: number,
    read: (taken: string) => string,
  ): Promise<Row[]> {
    let rows: Row[] = [];
    const executeSql = async (taken: string, values?: unknown[]) => {
      rows = await run<Row>(prepared({ text: read(taken), ...(values && { values }) }));
      return { rows: [] };
    };
    await this.#boss.fetch(queue, { batchSize: count, db: { executeSql } });
    return rows;
  }

  /**
   * Resolves when it is sent.
   *
   * @param job.first Before all others of its priority: it has waited already.
   */
  async add(
    transaction: Transaction,
    queue: string,
    job: { id: string; priority: Priority; first: boolean },
  ): Promise<void> {
    await this.#boss.insert(queue, [{ id: job.id, priority: weightOf(job) }], { db: sendingDbOf(transaction) });
  }

  /** Resolves when it is sent. */
  async remove(transaction: Transaction, queue: string, id: string): Promise<void> {
    await this.#boss.deleteJob(queue, id, { db: sendingDbOf(transaction) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#boss.stop({ close: false, graceful: false });
    return this.#stopping;
  }
}

/** Greater is sooner. */
function weightOf({ priority, first }: { priority: Priority; first: boolean }): number {
  return (PRIORITIES.length - PRIORITIES.indexOf(priority)) * 2 + (first ? 1 : 0);
}

function dbOf(sql: Sql): Db {
  return {
    executeSql: async (text, values) => ({
      rows: await sql.run({ text, ...(values === undefined ? {} : { values }) }),
    }),
  };
}

/** Where nobody waits for the answer: it is that of the transaction. */
function sendingDbOf(transaction: Transaction): Db {
  return {
    executeSql: async (text, values) => {
      transaction.send(prepared({ text, ...(values && { values }) }));
      return { rows: [{ count: 0 }] };
    },
  };
}

/** For the few statements that are run all the time: each is planned once per connection. */
function prepared(statement: Statement): Statement {
  return { name: nameOf(statement.text), ...statement };
}

const names = new Map<string, string>();

/** The texts differ by task queue and count only. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `pgboss-${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
    names.set(text, name);
  }
  return name;
}

/** pg-boss makes this table in the transaction that makes all the others. */
async function isInstalled(database: Database): Promise<boolean> {
  const [row] = await database.run<{ there: boolean }>({
    text: `SELECT to_regclass('${SCHEMA}.version') IS NOT NULL AS there`,
  });
  return row?.there === true;
}
