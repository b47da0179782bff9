/**
 * A private PostgreSQL server of this host's user, shared by all processes that use the same state folder.
 *
 * Whoever needs it starts it if it does not run; it does not end with who started it. Each process shows that it uses
 * the server by one connection, made under the lock under which others look whether they were the last, and stop it.
 *
 * *Owns* that connection. The server is nobody's.
 */
import { createHash } from "node:crypto";
import { mkdir, readlink, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { pid } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { codeOf } from "../../base/errors.ts";
import { FileLocks } from "../../host/file-locks.ts";
import { makeOwnedName } from "../../host/owned-name.ts";
import { requirePrivate } from "../../host/private-directory.ts";
import { APPLICATION_NAME, type ConnectionSource, TIMEOUTS } from "../postgres/connection.ts";
import { Cluster, USER } from "./cluster.ts";
import { PORT } from "./settings.ts";

export interface EmbeddedOptions {
  /** Absolute path of the folder of the database; made if it is not there. */
  readonly directory: string;
  /** Absolute path of a folder for a short name of the socket, at most 64 bytes. */
  readonly runDir: string;
}

const LOCK = "server";

export class EmbeddedDatabase implements ConnectionSource {
  readonly description: string;
  readonly config: pg.ClientConfig;
  readonly #cluster: Cluster;
  readonly #locks: FileLocks;
  readonly #link: string;
  #presence: pg.Client | undefined;

  private constructor(options: EmbeddedOptions, cluster: Cluster, locks: FileLocks) {
    this.#cluster = cluster;
    this.#locks = locks;
    this.#link = linkOf(options);
    this.description = `embedded ${options.directory}`;
    // What the environment says for PostgreSQL's own clients is not meant for this one.
    this.config = {
      ...{ host: this.#link, port: PORT, user: USER, database: "postgres", ssl: false, options: "" },
      // Tells the connections of this one from all others.
      application_name: `${APPLICATION_NAME} ${pid} ${crypto.randomUUID().slice(0, 8)}`,
    };
  }

  /** @throws {QueueError} */
  static async open(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
    const locks = join(options.directory, "locks");
    await mkdir(locks, { recursive: true, mode: 0o700 });
    await mkdir(options.runDir, { recursive: true, mode: 0o700 });
    await requirePrivate(options.runDir);
    return new EmbeddedDatabase(options, await Cluster.find(options.directory), new FileLocks(locks));
  }

  /** Starts the server unless this process is connected to it. */
  async ready(): Promise<void> {
    if (this.#presence !== undefined) return;
    await using _lock = await this.#locks.acquire(LOCK);
    await this.#cluster.start();
    await this.#placeLink();
    this.#presence = await this.#connect();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...TIMEOUTS, ...this.config });
    client.on("error", () => {});
    client.on("end", () => {
      if (this.#presence === client) this.#presence = undefined;
    });
    await client.connect();
    return client;
  }

  /** The path of the folder may be too long for a socket. */
  async #placeLink(): Promise<void> {
    if ((await readlink(this.#link).catch(ignoreMissing)) === this.#cluster.data) return;
    const staging = `${this.#link}.${(await makeOwnedName()).slice(-12)}`;
    await symlink(this.#cluster.data, staging);
    await rename(staging, this.#link);
  }

  /** Leaves the server; the last one stops it. */
  async release(): Promise<void> {
    const presence = this.#presence;
    if (presence === undefined) return;
    await using _lock = await this.#locks.acquire(LOCK);
    const isLast = await isAlone(presence);
    await presence.end();
    if (isLast) await this.#cluster.stop();
  }
}

const CLOSE_ATTEMPTS = 100;
const CLOSE_PAUSE_MS = 10;

/**
 * Whether nobody else is connected. Resolves when the other connections of this process are closed, which the pool does
 * not wait for: whoever leaves next would take them for somebody's.
 */
async function isAlone(client: pg.Client): Promise<boolean> {
  try {
    for (let attempt = 1; ; attempt++) {
      const { rows } = await client.query<{ own: number; others: number }>(
        `SELECT count(*) FILTER (WHERE application_name = current_setting('application_name'))::int AS own,
            count(*) FILTER (WHERE application_name <> current_setting('application_name'))::int AS others
          FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
      const { own = 0, others = 0 } = rows[0] ?? {};
      if (own === 0 || attempt === CLOSE_ATTEMPTS) return others === 0;
      await delay(CLOSE_PAUSE_MS);
    }
  } catch {
    // It is gone already, or somebody else will find out.
    return false;
  }
}

/** Different for each database, also where several share one runDir. */
function linkOf({ directory, runDir }: EmbeddedOptions): string {
  return join(runDir, `queue-${createHash("sha256").update(directory).digest("hex").slice(0, 8)}`);
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}
