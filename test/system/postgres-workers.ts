/** Workers of one fleet: `boxcar worker` with a configuration and folders of its own each, and one PostgreSQL for all. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { HostArtifacts } from "../../src/artifact/host-artifacts.ts";
import { Scope } from "../../src/base/scope.ts";
import { connectionOfUrl } from "../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../src/queue/postgres/postgres-queue.ts";
import { PostgresServer } from "../postgres-server.ts";
import { type Boxcar, type Running, untilPrinted } from "./boxcar.ts";

export interface FleetWorker {
  readonly process: Running;
  readonly configFile: string;
  readonly stateDir: string;
  readonly runDir: string;
}

export class PostgresWorkers implements AsyncDisposable {
  readonly queue: PostgresQueue;
  readonly #boxcar: Boxcar;
  readonly #url: string;
  readonly #scope: Scope;
  readonly #processes = new Set<Running>();

  private constructor(boxcar: Boxcar, url: string, queue: PostgresQueue, scope: Scope) {
    this.#boxcar = boxcar;
    this.#url = url;
    this.queue = queue;
    this.#scope = scope;
  }

  static async open(boxcar: Boxcar): Promise<PostgresWorkers> {
    await using scope = new Scope();
    const server = scope.use(await PostgresServer.start());
    const url = await server.createDatabase();
    const files = await HostArtifacts.open(join(boxcar.directory, "submitter"));
    const queue = scope.use(await PostgresQueue.open({ connection: connectionOfUrl(url), files }));
    return new PostgresWorkers(boxcar, url, queue, scope.move());
  }

  /** Resolves when it claims tasks. @param name Of its folders, which a later one may take over. */
  async start(
    name: string,
    config: { worker?: object; queue?: object; access?: object } = {},
    variables: Readonly<Record<string, string>> = {},
  ): Promise<FleetWorker> {
    const { directory } = this.#boxcar;
    const [configFile, urlFile] = [join(directory, `${name}.yml`), join(directory, "queue-url")];
    const [stateDir, runDir] = [join(directory, name), join(directory, `${name}-run`)];
    await writeFile(urlFile, this.#url, { mode: 0o600 });
    const document = {
      machineOptions: { maxMemory: 256, maxCPUs: 1, defaultThreads: 1 },
      ...config,
      queue: {
        ...{ driver: "postgres", postgres: { url: { file: urlFile } }, workerId: name, lease: "10 seconds" },
        ...config.queue,
      },
      worker: { capacity: 2, reserve: { diskGiB: 0 }, ...config.worker },
    };
    await writeFile(configFile, stringify(document));
    const env = { ...variables, BOXCAR_STATE_DIR: stateDir, BOXCAR_RUN_DIR: runDir };
    const process = this.#boxcar.start(["worker", "--config", configFile], env);
    this.#processes.add(process);
    await untilPrinted(process, "stderr", "claims tasks from");
    return { process, configFile, stateDir, runDir };
  }

  /** @param task What the task is to have beside its payload. */
  async submit(script: string, payload: object = {}, task: { queue?: string } = {}): Promise<string> {
    return (await this.queue.submit({ ...task, payload: { command: ["sh", "-c", script], ...payload } })).taskId;
  }

  /** Ends those that run, whatever they do. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) process.kill("SIGKILL");
    await Promise.all(this.#processes);
    await this.#scope[Symbol.asyncDispose]();
  }
}

/** Calls `heard` with every line of the log of a worker, parsed, from now on. */
export function hearLog({ process }: FleetWorker, heard: (entry: { msg: string; taskId?: string }) => void): void {
  if (process.stderr === null) return;
  createInterface({ input: process.stderr }).on("line", (line) => {
    if (line.startsWith("{")) heard(JSON.parse(line) as { msg: string; taskId?: string });
  });
}

/** What machines have left in the folders of a worker. */
export async function leftoversOf({ stateDir, runDir }: FleetWorker): Promise<string[]> {
  const folders = ["machines", "staging"].map((name) => join(stateDir, name));
  const names = await Promise.all(
    [...folders, join(runDir, "m")].map((folder) => readdir(folder, { recursive: true }).catch(() => [])),
  );
  return names.flat();
}

/** Tasks of which a worker has a log that is nowhere else. */
export async function logsLeft({ stateDir }: FleetWorker): Promise<string[]> {
  return await readdir(join(stateDir, "runs"));
}
