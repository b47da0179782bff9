/**
 * A worker of this host with its dashboard on a port of loopback, a browser, and somebody of each role.
 *
 * *Owns* all of them, with the folders of the worker.
 */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { type Browser, request as clients } from "playwright-core";
import { vi } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import type { ApiTask, ApiTaskDetails, ApiWorkers } from "../../../src/generated/api.ts";
import { launchChromium } from "../../browser/chromium.ts";
import { Dashboard, type DashboardOptions } from "../../browser/dashboard.ts";
import { Boxcar } from "../boxcar.ts";
import { end, WorkerProcesses } from "../worker-process.ts";

export const ROLES = ["viewer", "submitter", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

export const WORKER = "worker-1";

/** Two cores may have much else to do, and a machine may have to boot first. */
const PATIENCE = { timeout: 120_000, interval: 100 };
/** For `expect.poll`, which is impatient. */
export const SOON = { timeout: 30_000 };
const LIVE: ReadonlySet<string> = new Set(["unscheduled", "pending", "running"]);

interface Login {
  readonly token: string;
  /** Of a session of that token. */
  readonly cookies: readonly { readonly name: string; readonly value: string }[];
}

export interface Answer {
  readonly status: number;
  /** Undefined: the answer has none. */
  readonly body: unknown;
}

export class DashboardHost implements AsyncDisposable {
  readonly workers: WorkerProcesses;
  readonly browser: Browser;
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly #logins: ReadonlyMap<Role, Login>;
  readonly #scope: Scope;

  private constructor(parts: {
    workers: WorkerProcesses;
    browser: Browser;
    origin: string;
    logins: ReadonlyMap<Role, Login>;
    scope: Scope;
  }) {
    this.workers = parts.workers;
    this.browser = parts.browser;
    this.origin = parts.origin;
    this.#logins = parts.logins;
    this.#scope = parts.scope;
  }

  /** @param worker More of this section of the configuration. */
  static async open(worker: { capacity?: number } = {}): Promise<DashboardHost> {
    await using scope = new Scope();
    const boxcar = scope.use(await Boxcar.open());
    const workers = await WorkerProcesses.open(boxcar, {
      access: { enabled: true },
      queue: { workerId: WORKER, lease: "10 seconds" },
      worker: { capacity: 2, reserve: { diskGiB: 0 }, http: { listen: "127.0.0.1:0" }, ...worker },
    });
    const [{ worker: running }, browser] = await Promise.all([workers.start(), launchChromium()]);
    scope.defer(() => end(running, "SIGKILL"));
    scope.defer(() => browser.close());
    const origin = await findOrigin(boxcar);
    const logins = new Map<Role, Login>();
    for (const role of ROLES) logins.set(role, await logIn(workers, origin, role));
    return new DashboardHost({ workers, browser, origin, logins, scope: scope.move() });
  }

  tokenOf(role: Role): string {
    return this.#loginOf(role).token;
  }

  /** A tab of somebody who has logged in. */
  async open(role: Role, path: string, options: DashboardOptions = {}): Promise<Dashboard> {
    return await Dashboard.open(this.browser, this.origin, path, { ...options, cookies: this.#loginOf(role).cookies });
  }

  /** Somebody who has not. */
  async openAsNobody(path: string, options: DashboardOptions = {}): Promise<Dashboard> {
    return await Dashboard.open(this.browser, this.origin, path, options);
  }

  /** Asks the API with somebody's token. @param path Below `/api/v1`. */
  async ask(role: Role, method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.origin}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.tokenOf(role)}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: parse(await response.text()) };
  }

  /** Submits a script of the shell as somebody; resolves with the id of the task. */
  async submit(
    script: string,
    { role = "operator", name, payload, task }: { role?: Role; name?: string; payload?: object; task?: object } = {},
  ): Promise<string> {
    const definition = {
      ...(name === undefined ? {} : { metadata: { name } }),
      payload: { command: ["sh", "-c", script], ...payload },
      ...task,
    };
    const { status, body } = await this.ask(role, "POST", "/tasks", definition);
    if (status !== 201) throw new Error(`the task was refused: ${JSON.stringify(body)}`);
    return (body as ApiTask).taskId;
  }

  async show(taskId: string): Promise<ApiTaskDetails> {
    return (await this.ask("viewer", "GET", `/tasks/${taskId}`)).body as ApiTaskDetails;
  }

  /** What the task has printed so far. */
  async log(taskId: string): Promise<string> {
    return String((await this.ask("viewer", "GET", `/tasks/${taskId}/runs/latest/logs/task.log`)).body);
  }

  /** Runs a script in the machine of a task, as an admin. */
  async inMachine(taskId: string, script: string): Promise<void> {
    const { exitCode, stderr } = await this.workers.run("shell", taskId, "--", "sh", "-c", script);
    if (exitCode !== 0) throw new Error(stderr);
  }

  async untilLogged(taskId: string, text: string): Promise<void> {
    await vi.waitUntil(async () => (await this.log(taskId)).includes(text), PATIENCE);
  }

  async untilEnded(taskId: string): Promise<void> {
    await vi.waitUntil(async () => !LIVE.has((await this.show(taskId)).state), PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  #loginOf(role: Role): Login {
    const login = this.#logins.get(role);
    if (login === undefined) throw new Error(`nobody is ${role}`);
    return login;
  }
}

/** Asks the worker on its own socket for the port it has got. */
async function findOrigin({ directory }: Boxcar): Promise<string> {
  const asked = request({ socketPath: join(directory, "run/worker.sock"), path: "/api/v1/workers" });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const [worker] = (await json(response)) as ApiWorkers;
  if (worker?.url === undefined) throw new Error("the worker does not say where it listens");
  return worker.url;
}

async function logIn(workers: WorkerProcesses, origin: string, role: Role): Promise<Login> {
  const { stdout: token } = await workers.run("token", "create", "--name", role, "--role", role);
  const client = await clients.newContext({ baseURL: origin });
  try {
    await client.post("/api/v1/session", { data: { token } });
    const { cookies } = await client.storageState();
    return { token, cookies: cookies.map(({ name, value }) => ({ name, value })) };
  } finally {
    await client.dispose();
  }
}

/** Not every answer is JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
