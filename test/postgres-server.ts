/**
 * A PostgreSQL server that is thrown away: a cluster of its own from the Debian package, on a free port of this host.
 *
 * *Owns* the server and its folder. It dies with the test process.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { appendFile, chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";

const INSTALLATIONS = "/usr/lib/postgresql";

const SETTINGS = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
shared_buffers = 32MB
max_wal_size = 512MB
`;

interface Subprocess extends PromiseLike<unknown> {
  readonly pid?: number | undefined;
  kill(signal: NodeJS.Signals): boolean;
}

export interface ServerOptions {
  /** Lines of postgresql.conf. */
  settings?: string;
}

export class PostgresServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;
  #process: Subprocess | undefined;
  #count = 0;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async start({ settings = "fsync = off" }: ServerOptions = {}): Promise<PostgresServer> {
    const folder = await mkdtemp("/tmp/bxpg-");
    const { uid, gid } = serverUser();
    await chown(folder, uid, gid);
    await execa(
      "setpriv",
      [
        ...asServer(),
        ...["--", await program("initdb"), "-D", join(folder, "data")],
        ...["-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync", "--no-instructions"],
      ],
      { cwd: "/" },
    );
    await appendFile(join(folder, "data/postgresql.conf"), `${SETTINGS}${settings}\n`);
    const server = new PostgresServer(folder, await freePort());
    await server.start();
    return server;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Of a new, empty database. */
  async createDatabase(): Promise<string> {
    const name = `test_${this.#count++}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  url(database = "postgres"): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/${database}`;
  }

  async query(text: string, url = this.url()): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** After {@link stop} or {@link kill}; resolves when it takes connections. */
  async start(): Promise<void> {
    const command = [await program("postgres"), "-D", join(this.#folder, "data"), "-p", String(this.#port)];
    // Who changes his user is not bound to his parent any more, so that comes first.
    const child = execa("setpriv", [...asServer(), "--", "setpriv", "--pdeathsig", "KILL", "--", ...command], {
      reject: false,
      buffer: false,
      stdio: ["ignore", "ignore", "pipe"],
      cwd: "/",
    });
    const ready = Promise.withResolvers<void>();
    child.stderr?.on("data", (text: Buffer) => {
      if (text.includes("ready to accept connections")) ready.resolve();
    });
    void child.then(() => ready.reject(new Error("the server did not start")));
    this.#process = child;
    await ready.promise;
  }

  /** As an administrator does it: connections are closed. */
  async stop(): Promise<void> {
    await this.#end("SIGINT");
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** The server stands still, and answers nobody. */
  async pause(): Promise<AsyncDisposable> {
    const pids = [this.pid, ...children(this.pid)];
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    return { [Symbol.asyncDispose]: async () => void pids.map((pid) => process.kill(pid, "SIGCONT")) };
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (running?.pid === undefined) return;
    const pids = children(running.pid);
    running.kill(signal);
    await running;
    // Without their parent they end by themselves, each a little later.
    while (pids.some(isAlive)) await new Promise(setImmediate);
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGQUIT");
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function program(name: string): Promise<string> {
  const versions = (await readdir(INSTALLATIONS)).map(Number).filter((version) => version >= 15);
  return join(INSTALLATIONS, String(Math.max(...versions)), "bin", name);
}

/** It refuses to run as root. */
function serverUser(): { uid: number; gid: number } {
  if (process.getuid?.() !== 0) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((found) => found.startsWith("postgres:"));
  const [, , uid, gid] = (line ?? "").split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

function asServer(): string[] {
  if (process.getuid?.() !== 0) return [];
  const { uid, gid } = serverUser();
  return [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

function children(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
