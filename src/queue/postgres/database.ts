/**
 * The connections to one database, and transactions on them.
 *
 * *Owns* a pool of connections; *borrows* the source, which it tells when it has let go of the last one.
 */
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { QueueError } from "../errors.ts";
import { APPLICATION_NAME, type ConnectionSource, TIMEOUTS } from "./connection.ts";
import { isConflict, isConnectionSound, isUnreachable, toQueueError } from "./database-errors.ts";

export interface Statement {
  /** Statements with a name are planned once per connection. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Where statements are run: a transaction, or none. */
export interface Sql {
  // biome-ignore lint/suspicious/noExplicitAny: rows have the type that their statement gives them.
  run<Row extends pg.QueryResultRow = any>(statement: Statement): Promise<Row[]>;
}

export interface Transaction extends Sql {
  /**
   * Sends a statement of which nobody needs the rows. The transaction waits for all of them, and has failed if one has;
   * the end of the transaction is sent right behind the last.
   */
  send(statement: Statement): void;
}

const MAX_ATTEMPTS = 20;
const MAX_IDLE_MS = 10_000;

const READY_ATTEMPTS = 5;
const READY_PAUSE_MS = 50;

export class Database implements Sql, AsyncDisposable {
  readonly description: string;
  readonly #source: ConnectionSource;
  readonly #pool: pg.Pool;
  #preparing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(source: ConnectionSource) {
    this.description = source.description;
    this.#source = source;
    this.#pool = new pg.Pool({
      ...this.#config(),
      pipeline: true,
      max: source.maxConnections ?? 8,
      idleTimeoutMillis: MAX_IDLE_MS,
    });
    // A connection that breaks while nobody uses it; whoever asks next gets a new one, or an error of his own.
    this.#pool.on("error", () => {});
    // One that breaks in use: what is asked of it next fails. Nobody hears it otherwise, and the process would end.
    this.#pool.on("connect", (client) => void client.on("error", () => {}));
  }

  /** One statement, in a transaction of its own. @throws {QueueError} */
  async run<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[]> {
    return await this.#withClient((client) => query<Row>(client, statement));
  }

  /**
   * Runs `work` in a transaction; again from its beginning, if others were in the way.
   *
   * @throws {QueueError} Whether it happened is unknown if the connection broke at the very end.
   */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withClient((client) => inTransaction(client, work));
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !(error instanceof QueueError) || !isConflict(error.cause)) throw error;
        await delay(Math.random() * 10 * attempt);
      }
    }
  }

  /** A connection that belongs to who asks, and is not counted with the others. @throws {QueueError} */
  async connect(): Promise<pg.Client> {
    try {
      return await this.#whenReady(async () => {
        const client = new pg.Client(this.#config());
        client.on("error", () => {});
        try {
          await client.connect();
        } catch (error) {
          await client.end().catch(() => {});
          throw error;
        }
        return client;
      });
    } catch (error) {
      throw toQueueError(error, this.description);
    }
  }

  async #withClient<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    try {
      const client = await this.#whenReady(() => this.#pool.connect());
      let failure: unknown;
      try {
        return await use(client);
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        client.release(failure !== undefined && !isConnectionSound(failure));
      }
    } catch (error) {
      throw toQueueError(error, this.description);
    }
  }

  /** A server that goes down just now is started again by the source. */
  async #whenReady<T>(connect: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (this.#closing !== undefined) throw closed();
      try {
        await this.#ready();
        return await connect();
      } catch (error) {
        if (this.#source.ready === undefined || !isUnreachable(error) || attempt === READY_ATTEMPTS) throw error;
        await delay(READY_PAUSE_MS);
      }
    }
  }

  /** Only once for all who wait for it. */
  async #ready(): Promise<void> {
    if (this.#source.ready === undefined) return;
    this.#preparing ??= this.#source.ready().finally(() => {
      this.#preparing = undefined;
    });
    await this.#preparing;
  }

  #config(): pg.ClientConfig {
    return { application_name: APPLICATION_NAME, keepAlive: true, ...TIMEOUTS, ...this.#source.config };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#pool.end().finally(() => this.#source.release?.());
    return this.#closing;
  }
}

function closed(): QueueError {
  return new QueueError("queue-closed", "the queue was closed", { blame: "worker" });
}

/**
 * All statements are sent at once, and answered in their order. After one that fails the server refuses the others, and
 * makes of a COMMIT that is on its way already a ROLLBACK.
 */
async function inTransaction<T>(client: pg.PoolClient, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  const failures: unknown[] = [];
  const all: Promise<unknown>[] = [];
  const follow = <R>(reply: Promise<R>): Promise<R> => {
    all.push(reply.catch((error: unknown) => void failures.push(error)));
    return reply;
  };
  const send = (statement: Statement) => void follow(query(client, statement)).catch(() => {});
  send({ text: "BEGIN" });
  let isEnded = false;
  try {
    const result = await work({ run: (statement) => follow(query(client, statement)), send });
    isEnded = true;
    send({ text: "COMMIT" });
    await Promise.all(all);
    if (failures.length > 0) throw failures[0];
    return result;
  } catch (error) {
    // None may come after the transaction, where it would count.
    await Promise.all(all);
    // The first is the reason of the others.
    const [failure = error] = failures;
    if (!isEnded && isConnectionSound(failure)) await client.query("ROLLBACK");
    throw failure;
  }
}

async function query<Row extends pg.QueryResultRow>(client: pg.ClientBase, statement: Statement): Promise<Row[]> {
  const { rows } = await client.query<Row>({ ...statement, values: [...(statement.values ?? [])] });
  return rows;
}
