/** `boxcar worker` and `boxcar queue` as their users have them, with the embedded queue and a short lease. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { TaskStatus } from "../../src/queue/task.ts";
import { type Boxcar, finish, type Running, untilPrinted } from "./boxcar.ts";

export type ShownTask = Pick<TaskStatus, "taskId" | "state" | "runs">;

export class WorkerProcesses {
  readonly #boxcar: Boxcar;
  readonly #file: string;

  private constructor(boxcar: Boxcar, file: string) {
    this.#boxcar = boxcar;
    this.#file = file;
  }

  static async open(boxcar: Boxcar, config: object = {}): Promise<WorkerProcesses> {
    const file = join(boxcar.directory, "worker.yml");
    const small = { maxMemory: 256, maxCPUs: 1, defaultThreads: 1 };
    const quick = {
      machineOptions: small,
      queue: { lease: "10 seconds" },
      worker: { capacity: 2, reserve: { diskGiB: 0 } },
    };
    await writeFile(file, stringify({ ...quick, ...config }));
    return new WorkerProcesses(boxcar, file);
  }

  /** Resolves when it claims tasks. @param runDir Of workers beside the first one. */
  async start(runDir?: string): Promise<{ worker: Running }> {
    const env = runDir === undefined ? {} : { BOXCAR_RUN_DIR: join(this.#boxcar.directory, runDir) };
    const worker = this.#boxcar.start(["worker", "--config", this.#file], env);
    await untilPrinted(worker, "stderr", "claims tasks from");
    // A program that is returned alone would be waited for.
    return { worker };
  }

  async run(...args: readonly string[]) {
    return await this.#boxcar.run([...args, "--config", this.#file]);
  }

  /** Submits a command, and resolves with the id of its task. */
  async submit(script: string, payload: object = {}, task: object = {}): Promise<string> {
    const file = `${this.#boxcar.newPath()}.json`;
    await writeFile(file, JSON.stringify({ ...task, payload: { command: ["sh", "-c", script], ...payload } }));
    const { stdout, stderr, exitCode } = await this.run("queue", "submit", file);
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  async show(taskId: string): Promise<ShownTask> {
    return JSON.parse((await this.run("queue", "show", taskId, "--json")).stdout) as ShownTask;
  }

  /** The whole log of the last run, when it has ended. */
  async follow(taskId: string): Promise<string> {
    return (await this.run("queue", "logs", "-f", taskId)).stdout;
  }

  /** Follows a log; resolves when the text has come. */
  async untilLogged(taskId: string, text: string): Promise<void> {
    const child = this.#boxcar.start(["queue", "logs", "-f", taskId, "--config", this.#file]);
    try {
      await untilPrinted(child, "stdout", text);
    } finally {
      child.kill("SIGTERM");
      await child;
    }
  }

  /** Resolves when the task has ended, one way or another. */
  async ended(taskId: string): Promise<ShownTask> {
    for (;;) {
      const task = await this.show(taskId);
      if (!["unscheduled", "pending", "running"].includes(task.state)) return task;
    }
  }
}

export async function end(worker: Running, signal: "SIGTERM" | "SIGKILL" = "SIGTERM") {
  worker.kill(signal);
  return await finish(worker);
}
