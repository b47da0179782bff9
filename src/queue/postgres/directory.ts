/**
 * Workers of a queue in a PostgreSQL database: a row for each, with the time at which it was written last.
 *
 * A row belongs to the process that wrote it first, until that is silent: two that have the same id do not write over
 * each other. *Borrows* the database.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import { encodeStatus } from "../bounded-status.ts";
import { QueueError } from "../errors.ts";
import {
  ANNOUNCE_EVERY_MS,
  type Announced,
  type AnnounceOptions,
  FORGOTTEN_AFTER_MS,
  SILENT_AFTER_MS,
  type WorkerAnnouncement,
  type WorkerDirectory,
  type WorkerEntry,
  type WorkerStatusDocument,
} from "../worker-directory.ts";
import type { Database } from "./database.ts";
import { Presence } from "./presence.ts";

interface WorkerRow {
  worker_id: string;
  url: string | null;
  queue: string;
  version: string;
  started: Date;
  status: unknown;
  seen: Date;
  alive: boolean;
}

const KEY_BYTES = 32;
/** More than anybody looks at. */
const MAX_WORKERS = 5_000;

const SELECT_WORKERS = `SELECT worker_id, url, queue, version, started, status, seen,
    seen > clock_timestamp() - $1 * interval '1 ms' AS alive
  FROM boxcar.worker WHERE seen > clock_timestamp() - $2 * interval '1 ms'`;

export class PostgresDirectory implements WorkerDirectory {
  readonly #database: Database;
  #fleetKey: Uint8Array | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  announce(workerId: string, describe: () => WorkerAnnouncement, options: AnnounceOptions = {}): Announced {
    const { everyMs = ANNOUNCE_EVERY_MS, onTrouble } = options;
    const instance = randomUUID();
    /** When the other one with this id was heard of, as it was the last time. */
    let otherSeen: number | undefined;
    let trouble: "other" | "silence" | undefined;
    const tell = (kind: "other" | "silence", message: string) => {
      if (trouble !== kind) onTrouble?.(message);
      trouble = kind;
    };
    const say = async () => {
      try {
        const other = await this.#write(workerId, instance, describe());
        // One that was killed a moment ago is there too, and is not heard of again.
        if (other !== undefined && otherSeen !== undefined && other > otherSeen) tell("other", sameId(workerId));
        if (other === undefined) trouble = undefined;
        otherSeen = other;
      } catch (error) {
        tell("silence", `other workers do not hear of this one: ${messageOf(error)}`);
      }
    };
    const leave = async () => {
      await this.#database.run({
        text: "DELETE FROM boxcar.worker WHERE worker_id = $1 AND instance = $2",
        values: [workerId, instance],
      });
    };
    return new Presence({ say, leave, everyMs });
  }

  /** When the other process that has this id was heard of; undefined: there is none, and it is written. */
  async #write(workerId: string, instance: string, worker: WorkerAnnouncement): Promise<number | undefined> {
    const { url, queue, version, startedAt, status } = worker;
    const [row] = await this.#database.run<{ written: boolean; seen: Date }>({
      name: "boxcar-announce-worker",
      text: `WITH written AS (
          INSERT INTO boxcar.worker AS known (worker_id, instance, url, queue, version, started, status, seen)
          VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
          ON CONFLICT (worker_id) DO UPDATE SET instance = excluded.instance, url = excluded.url,
            queue = excluded.queue, version = excluded.version, started = excluded.started, status = excluded.status,
            seen = excluded.seen
          WHERE known.instance = excluded.instance OR known.seen < clock_timestamp() - $8 * interval '1 ms'
          RETURNING seen)
        SELECT true AS written, seen FROM written
        UNION ALL SELECT false, seen FROM boxcar.worker WHERE worker_id = $1 AND NOT EXISTS (SELECT FROM written)`,
      values: [workerId, instance, url ?? null, queue, version, startedAt, encodeStatus(status), SILENT_AFTER_MS],
    });
    return row === undefined || row.written ? undefined : row.seen.getTime();
  }

  async list(): Promise<WorkerEntry[]> {
    const rows = await this.#database.run<WorkerRow>({
      name: "boxcar-workers",
      text: `${SELECT_WORKERS} ORDER BY worker_id LIMIT $3`,
      values: [SILENT_AFTER_MS, FORGOTTEN_AFTER_MS, MAX_WORKERS],
    });
    return rows.map(entryOf);
  }

  async find(workerId: string): Promise<WorkerEntry | undefined> {
    const [row] = await this.#database.run<WorkerRow>({
      name: "boxcar-worker",
      text: `${SELECT_WORKERS} AND worker_id = $3`,
      values: [SILENT_AFTER_MS, FORGOTTEN_AFTER_MS, workerId],
    });
    return row === undefined ? undefined : entryOf(row);
  }

  async fleetKey(): Promise<Uint8Array> {
    if (this.#fleetKey !== undefined) return this.#fleetKey;
    // The first one stays, whoever comes at the same time.
    await this.#database.run({
      text: "INSERT INTO boxcar.fleet (key) SELECT $1 WHERE NOT EXISTS (SELECT FROM boxcar.fleet) ON CONFLICT DO NOTHING",
      values: [randomBytes(KEY_BYTES)],
    });
    const [row] = await this.#database.run<{ key: Buffer }>({ text: "SELECT key FROM boxcar.fleet" });
    if (row === undefined || row.key.length !== KEY_BYTES) throw keyDamaged();
    this.#fleetKey = new Uint8Array(row.key);
    return this.#fleetKey;
  }

  /** Removes those that have been silent for long. @throws {QueueError} */
  async forgetSilent(): Promise<void> {
    await this.#database.run({
      text: "DELETE FROM boxcar.worker WHERE seen <= clock_timestamp() - $1 * interval '1 ms'",
      values: [FORGOTTEN_AFTER_MS],
    });
  }
}

function entryOf(row: WorkerRow): WorkerEntry {
  const { status } = row;
  return {
    workerId: row.worker_id,
    ...(row.url === null ? {} : { url: row.url }),
    queue: row.queue,
    version: row.version,
    startedAt: row.started,
    status: typeof status === "object" && status !== null ? (status as WorkerStatusDocument) : {},
    seenAt: row.seen,
    isAlive: row.alive,
  };
}

function sameId(workerId: string): string {
  return `another worker of this queue is called ${workerId} too, and is the one that others find; give one of them another name: queue.workerId`;
}

function keyDamaged(): QueueError {
  const message =
    "the key of the fleet in the queue's database is damaged; delete it (DELETE FROM boxcar.fleet) and restart all workers";
  return new QueueError("fleet-key-damaged", message, { blame: "host" });
}
