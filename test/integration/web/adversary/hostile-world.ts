/**
 * A real `boxcar worker` on loopback that wants logins, with a queue in PostgreSQL and something to be stolen from it:
 * tasks of somebody, an artifact, tokens of each role, sessions. It claims nothing.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type ExecaError, execa } from "execa";
import { ROLES, type Role } from "../../../../src/access/role.ts";
import { Tokens } from "../../../../src/access/tokens.ts";
import { DirectoryStore } from "../../../../src/artifact/directory-store.ts";
import { HostArtifacts } from "../../../../src/artifact/host-artifacts.ts";
import { Scope } from "../../../../src/base/scope.ts";
import { connectionOfUrl } from "../../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../../src/queue/postgres/postgres-queue.ts";
import { PostgresServer } from "../../../postgres-server.ts";
import { ask, type Login } from "../access-service.ts";

const MAIN = fileURLToPath(new URL("../../../../src/main.ts", import.meta.url));
/** What the artifact holds. */
export const TREASURE = "what the task has made";
/** Whom the tasks belong to. */
export const VICTIM = "victim";

interface Parts {
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  readonly queue: PostgresQueue;
  readonly tokens: Readonly<Record<Role | "expired" | "revoked" | "victim", string>>;
  /** Over, with an artifact. */
  readonly done: string;
  /** Waits. */
  readonly waiting: string;
  readonly log: () => string;
}

export class HostileWorld implements AsyncDisposable {
  readonly parts: Parts;
  readonly #scope: Scope;

  private constructor(parts: Parts, scope: Scope) {
    this.parts = parts;
    this.#scope = scope;
  }

  static async start(): Promise<HostileWorld> {
    await using scope = new Scope();
    const folder = await mkdtemp("/tmp/bxadv-");
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const server = scope.use(await PostgresServer.start());
    const url = await server.createDatabase();
    const [stateDir, runDir] = [join(folder, "state"), join(folder, "run")];
    const files = await HostArtifacts.open(join(stateDir, "artifacts"));
    const queue = scope.use(await PostgresQueue.open({ connection: connectionOfUrl(url), files }));
    const tokens = await makeTokens(queue);
    const tasks = await makeTasks(queue, folder);
    const config = join(folder, "worker.json");
    await writeFile(join(folder, "url"), url, { mode: 0o600 });
    await writeFile(
      config,
      JSON.stringify({
        ...{ stateDir, runDir },
        queue: { driver: "postgres", postgres: { url: { file: join(folder, "url") } }, workerId: "worker-1" },
        worker: { http: { listen: "127.0.0.1:0", names: ["ci.example.com"] }, reserve: { memory: 0, diskGiB: 0 } },
        access: {
          enabled: true,
          rateLimits: { requestsPerSecond: 1_000_000, failedLoginsPerMinute: 10_000, allFailedLoginsPerMinute: 10_000 },
        },
      }),
    );
    const { port, pid, log } = await startWorker(config, scope);
    return new HostileWorld({ ...{ port, pid, folder, queue, tokens, ...tasks, log } }, scope.move());
  }

  bearer(role: keyof Parts["tokens"]): Record<string, string> {
    return { authorization: `Bearer ${this.parts.tokens[role]}` };
  }

  async logIn(role: Role): Promise<Login> {
    const { tokens, port } = this.parts;
    const { json, cookies } = await ask(port, "/api/v1/session", { method: "POST", body: { token: tokens[role] } });
    return { cookie: cookies[0]?.split(";")[0] ?? "", csrf: (json as { csrf: string }).csrf };
  }

  /** All that is said to bytes that may be no request, until the worker hangs up. */
  async raw(bytes: string): Promise<string> {
    const socket = connect({ port: this.parts.port, host: "127.0.0.1" });
    const answer: Buffer[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Buffer) => answer.push(chunk));
    socket.end(bytes, "latin1");
    await promise;
    return Buffer.concat(answer).toString("latin1");
  }

  /** Of the process. */
  async residentMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.parts.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

async function makeTokens({ access }: PostgresQueue): Promise<Parts["tokens"]> {
  const tokens = new Tokens(access.tokens);
  const made = await Promise.all(
    ROLES.map(async (role) => [role, (await tokens.create({ name: role, role })).token] as const),
  );
  const victim = await tokens.create({ name: VICTIM, role: "submitter" });
  const past = new Tokens(access.tokens, () => new Date(Date.now() - 7_200_000));
  const expired = await past.create({ name: "late", role: "admin", expires: new Date(Date.now() - 3_600_000) });
  const revoked = await tokens.create({ name: "gone", role: "admin" });
  await tokens.revoke(revoked.info.id);
  return {
    ...(Object.fromEntries(made) as Record<Role, string>),
    ...{ victim: victim.token, expired: expired.token, revoked: revoked.token },
  };
}

async function makeTasks(queue: PostgresQueue, folder: string): Promise<Pick<Parts, "done" | "waiting">> {
  // Another task queue than that of the worker.
  const definition = { queue: "adversary", payload: { command: ["true"] }, supersede: "a key", retries: 0 };
  const { taskId: done } = await queue.submit(definition, { submitter: VICTIM });
  await using driver = queue.openDriver({ queue: "adversary", workerId: "worker-1", leaseMs: 60_000 });
  const [claim] = await driver.claim(1, new AbortController().signal);
  if (claim === undefined) throw new Error("the task was not claimed");
  const store = new DirectoryStore(join(folder, "staging"));
  for (const [file, name] of [
    ["page", "public/page.html"],
    ["log", "public/logs/task.log"],
  ] as const) {
    const { sizeBytes, sha256 } = await store.put(file, Readable.from([Buffer.from(TREASURE)]));
    const kept = { file: join(store.directory, file), sizeBytes, sha256, contentType: "text/html" };
    await claim.artifacts.putFile({ name, ...kept }, new AbortController().signal);
  }
  await claim.resolve({ kind: "completed" });
  const { taskId: waiting } = await queue.submit(definition, { submitter: VICTIM });
  return { done, waiting };
}

async function startWorker(config: string, scope: Scope): Promise<Pick<Parts, "port" | "pid" | "log">> {
  const args = [MAIN, "worker", "--log-format", "text", "--config", config];
  const worker = execa(process.execPath, args, { reject: false, stdin: "ignore" });
  scope.defer(async () => {
    worker.kill("SIGTERM");
    await worker;
  });
  let text = "";
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  worker.stderr.on("data", (chunk: Buffer) => {
    text += chunk;
    const [, port] = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? [];
    if (port !== undefined && text.includes("claims tasks from")) resolve(Number(port));
  });
  void worker.then((end) => reject((end as ExecaError).message ?? text));
  return { port: await promise, pid: worker.pid ?? 0, log: () => text };
}
