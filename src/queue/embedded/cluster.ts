/**
 * The files of the private database, and its server: started, found running, stopped. All of it is called under one
 * lock between processes, which the caller holds.
 *
 *   none ──initdb──▶ stopped ──pg_ctl start──▶ running ──pg_ctl stop──▶ stopped
 *                       ▲                        │
 *                       └── killed, with the host or alone; the next start recovers ──┘
 *
 * The server does not see the way to its folder: it is given the folder itself, as an open file. So it may lie below
 * folders that only root may enter.
 */
import {
  chmod,
  chown,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../base/errors.ts";
import { runCommand } from "../../host/command.ts";
import { makeOwnedName } from "../../host/owned-name.ts";
import { QueueError } from "../errors.ts";
import { findInstallations, findServerUser, type Installation, type ServerUser } from "./installation.ts";
import { HOST_BASED_AUTHENTICATION, serverSettings } from "./settings.ts";

/** The folder of the database where the server sees it; see proc(5). */
const INHERITED = "/proc/self/fd/3";

const INIT_TIMEOUT_MS = 120_000;
const START_TIMEOUT_S = 60;
const STOP_TIMEOUT_S = 60;
/** What a killed server has left may need a while to go. */
const START_ATTEMPTS = 20;
const START_PAUSE_MS = 250;
const MAX_LOG_BYTES = 1_048_576;

export const USER = "boxcar";

export class Cluster {
  readonly #directory: string;
  readonly #user: ServerUser;
  readonly #installations: readonly Installation[];

  private constructor(directory: string, user: ServerUser, installations: readonly Installation[]) {
    this.#directory = directory;
    this.#user = user;
    this.#installations = installations;
  }

  /**
   * @param directory Absolute path of a folder for the database, and nothing else.
   * @throws {QueueError} `postgresql-not-installed`, `postgresql-user-missing`
   */
  static async find(directory: string): Promise<Cluster> {
    const user = await findServerUser(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    return new Cluster(directory, user, await findInstallations());
  }

  get data(): string {
    return join(this.#directory, "data");
  }

  /** Whether its server lives, whatever it does. */
  async isRunning(): Promise<boolean> {
    const pid = await this.#pidInFile();
    if (pid === undefined) return false;
    // A pid is used again after the host was started anew; a server stands in its folder.
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    return folder === (await realpath(this.data));
  }

  /** Makes the database if there is none, and starts its server if it does not run. @throws {QueueError} */
  async start(): Promise<void> {
    if ((await stat(this.data).catch(() => undefined)) === undefined) await this.#initialize();
    const installation = await this.#installation();
    if (await this.isRunning()) return;
    await this.#removeStaleLock();
    await this.#configure(installation);
    for (let attempt = 1; ; attempt++) {
      try {
        const options = ["-w", "-t", String(START_TIMEOUT_S), "-l", `${INHERITED}/server.log`];
        await this.#run([installation.program("pg_ctl"), "-D", INHERITED, ...options, "start"], this.data);
        return;
      } catch (error) {
        if (attempt === START_ATTEMPTS || !(await this.#isLeftInUse())) throw await this.#whyNotStarted(error);
        await delay(START_PAUSE_MS);
      }
    }
  }

  /** Ends the server; what is connected is disconnected. @throws {CommandError} */
  async stop(): Promise<void> {
    if (!(await this.isRunning())) return;
    const { program } = await this.#installation();
    const options = ["-w", "-t", String(STOP_TIMEOUT_S), "-m", "fast"];
    await this.#run([program("pg_ctl"), "-D", INHERITED, ...options, "stop"], this.data);
  }

  /** Whole, or not at all: it gets its name when it is complete. */
  async #initialize(): Promise<void> {
    const [installation] = this.#installations;
    if (installation === undefined) return;
    const staging = join(this.#directory, await makeOwnedName());
    await mkdir(staging, { mode: 0o700 });
    try {
      await chown(staging, this.#user.uid, this.#user.gid);
      const options = ["-U", USER, "-A", "trust", "--no-locale", "-E", "UTF8", "--wal-segsize=4", "--no-instructions"];
      await this.#run([installation.program("initdb"), "-D", INHERITED, ...options], staging);
      await rename(staging, this.data);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /** The one that made the database: no other can read it. */
  async #installation(): Promise<Installation> {
    const made = Number((await readFile(join(this.data, "PG_VERSION"), "utf8")).trim());
    const { uid } = await stat(this.data);
    if (uid !== this.#user.uid) {
      const message = `the queue in ${this.#directory} belongs to user ${uid}, and this one would run it as user ${this.#user.uid}; start Boxcar as who made it, or set another stateDir`;
      throw new QueueError("queue-of-another-user", message, { blame: "host" });
    }
    const found = this.#installations.find(({ majorVersion }) => majorVersion === made);
    if (found !== undefined) return found;
    const installed = this.#installations.map(({ majorVersion }) => majorVersion).join(", ");
    const message = `the queue in ${this.#directory} was made by PostgreSQL ${made}, and here is ${installed}; install postgresql-${made}, or bring ${this.data} to the newer version with pg_upgrade, or remove it to begin with an empty queue`;
    throw new QueueError("queue-database-version", message, { blame: "host", details: { made, installed } });
  }

  async #configure({ majorVersion }: Installation): Promise<void> {
    const files = { "postgresql.conf": serverSettings(majorVersion), "pg_hba.conf": HOST_BASED_AUTHENTICATION };
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.data, name);
      await writeFile(path, text, { mode: 0o600 });
      await chown(path, this.#user.uid, this.#user.gid);
      await chmod(path, 0o600);
    }
    const log = join(this.data, "server.log");
    const { size = 0 } = (await stat(log).catch(() => undefined)) ?? {};
    if (size > MAX_LOG_BYTES) await truncate(log);
  }

  /** PostgreSQL would take a process that has got the pid of an earlier server for that server. */
  async #removeStaleLock(): Promise<void> {
    const pid = await this.#pidInFile();
    if (pid === undefined) return;
    const isTaken = (await stat(`/proc/${pid}`).catch(() => undefined)) !== undefined;
    if (isTaken) await rm(join(this.data, "postmaster.pid"), { force: true });
  }

  async #pidInFile(): Promise<number | undefined> {
    const text = await readFile(join(this.data, "postmaster.pid"), "utf8").catch(() => "");
    const pid = Number(text.split("\n")[0]);
    return pid > 0 ? pid : undefined;
  }

  async #run(command: readonly [string, ...string[]], folder: string): Promise<void> {
    await using handle = await open(folder, "r");
    const [program, ...args] = [...this.#user.prefix, ...command];
    await runCommand([program as string, ...args], {
      descriptors: [handle.fd],
      cwd: "/",
      env: { LC_ALL: "C" },
      timeoutMs: INIT_TIMEOUT_MS,
    });
  }

  /** By processes of a server that was killed; they notice it soon. */
  async #isLeftInUse(): Promise<boolean> {
    return /still in use|is another postmaster/i.test(await this.#lastOfLog());
  }

  async #lastOfLog(): Promise<string> {
    const log = await readFile(join(this.data, "server.log"), "utf8").catch(() => "");
    return log.trim().split("\n").slice(-3).join("\n");
  }

  async #whyNotStarted(error: unknown): Promise<QueueError> {
    const last = await this.#lastOfLog();
    const message = `the database of the queue in ${this.#directory} did not start: ${last === "" ? messageOf(error) : last}`;
    return new QueueError("queue-database-not-started", message, { blame: "host", cause: error });
  }
}
