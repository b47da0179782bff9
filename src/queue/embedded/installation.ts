/** Which PostgreSQL of this host runs the private server, and as whom. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../../host/command.ts";
import { isInstalled } from "../../host/program.ts";
import { QueueError } from "../errors.ts";

/** Where Debian has one folder for each major version. */
const DEBIAN_FOLDER = "/usr/lib/postgresql";

const MIN_MAJOR_VERSION = 15;

export interface Installation {
  readonly majorVersion: number;
  /** Path, or name, of one of its programs. */
  readonly program: (name: "initdb" | "pg_ctl" | "postgres") => string;
}

/** @throws {QueueError} `postgresql-not-installed` */
export async function findInstallations(): Promise<Installation[]> {
  const found = [...(await debianInstallations()), ...(await installationOfPath())];
  const recent = found.filter(({ majorVersion }) => majorVersion >= MIN_MAJOR_VERSION);
  if (recent.length > 0) return recent.sort((a, b) => b.majorVersion - a.majorVersion);
  const message = `the queue of this host needs PostgreSQL ${MIN_MAJOR_VERSION} or newer: apt-get install postgresql-15 (a queue on another host: set queue.driver in the configuration)`;
  throw new QueueError("postgresql-not-installed", message, { blame: "host" });
}

async function debianInstallations(): Promise<Installation[]> {
  const names = await readdir(DEBIAN_FOLDER).catch(() => []);
  const versions = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(versions.map((version) => inFolder(version)));
  return found.filter((installation) => installation !== undefined);
}

async function inFolder(majorVersion: number): Promise<Installation | undefined> {
  const program = (name: string) => join(DEBIAN_FOLDER, String(majorVersion), "bin", name);
  return (await isInstalled(program("postgres"))) ? { majorVersion, program } : undefined;
}

async function installationOfPath(): Promise<Installation[]> {
  if (!(await isInstalled("postgres")) || !(await isInstalled("initdb"))) return [];
  const { stdout } = await runCommand(["postgres", "--version"], { timeoutMs: 10_000 });
  const version = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  return version === undefined ? [] : [{ majorVersion: Number(version), program: (name) => name }];
}

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  /** Before a command, so that it runs as this user. */
  readonly prefix: readonly string[];
}

/** PostgreSQL does not run as root: then it is the user of its package. @throws {QueueError} */
export async function findServerUser(uid: number, gid: number): Promise<ServerUser> {
  if (uid !== 0) return { uid, gid, prefix: [] };
  const users = await readFile("/etc/passwd", "utf8");
  const [, , found, group] = /^postgres:.*$/m.exec(users)?.[0].split(":") ?? [];
  if (found === undefined || group === undefined) {
    const message =
      "there is no user postgres, as whom the queue's database is to run; install postgresql-15, or start Boxcar as another user than root";
    throw new QueueError("postgresql-user-missing", message, { blame: "host" });
  }
  const prefix = ["setpriv", `--reuid=${found}`, `--regid=${group}`, "--clear-groups", "--"];
  return { uid: Number(found), gid: Number(group), prefix };
}
