/**
 * A queue in a PostgreSQL database, for any number of processes.
 *
 * *Owns* its connections, what listens on one of them, and the drivers opened on it; *borrows* the files.
 */
import { Scope } from "../../base/scope.ts";
import type { TaskDefinition } from "../../generated/task-definition.ts";
import { parseAs } from "../../schema/parse.ts";
import type { ArtifactFiles } from "../artifact-files.ts";
import { QueueError } from "../errors.ts";
import type { TaskStatus } from "../task.ts";
import { newTaskId } from "../task-id.ts";
import type { ArtifactEntry, TaskDetails, TaskFilter, TaskQueue } from "../task-queue.ts";
import { end, isResolved, rerun, type TaskCore } from "../transitions.ts";
import { Announcer } from "./announcer.ts";
import { listArtifacts, reclaimArtifacts } from "./artifact-rows.ts";
import { PostgresArtifacts } from "./artifacts.ts";
import type { ConnectionSource } from "./connection.ts";
import { Database } from "./database.ts";
import { type DriverOptions, PostgresDriver } from "./driver.ts";
import { Jobs } from "./jobs.ts";
import { Listener } from "./listener.ts";
import { Maintenance, sweep } from "./maintenance.ts";
import { findTaskId, notFound } from "./references.ts";
import { type CompleteDefinition, submitTask } from "./submission.ts";
import { findStatus, listTasks, showTask } from "./task-lists.ts";
import type { TaskRecord } from "./task-rows.ts";
import { TaskStore } from "./task-store.ts";

export interface PostgresQueueOptions {
  readonly connection: ConnectionSource;
  readonly files: ArtifactFiles;
}

const RECLAIM_INTERVAL_MS = 10 * 60_000;

export class PostgresQueue implements TaskQueue {
  readonly description: string;
  readonly #store: TaskStore;
  readonly #files: ArtifactFiles;
  readonly #drivers = new Set<PostgresDriver>();
  readonly #scope: Scope;
  #listener: Listener | undefined;
  #reclaimAtMs = 0;

  private constructor(store: TaskStore, files: ArtifactFiles, scope: Scope) {
    this.description = store.database.description;
    this.#store = store;
    this.#files = files;
    this.#scope = scope;
  }

  /** @throws {QueueError} Also where the tables cannot be made, or are too new. */
  static async open({ connection, files }: PostgresQueueOptions): Promise<PostgresQueue> {
    await using scope = new Scope();
    const database = scope.use(new Database(connection));
    const jobs = scope.use(await Jobs.open(database));
    const announcer = new Announcer(database);
    scope.defer(() => announcer.flush());
    const store = new TaskStore(database, jobs, (queue) => announcer.announce(queue));
    const queue = new PostgresQueue(store, files, scope.move());
    try {
      // The connection that shows other processes that this one uses the database.
      queue.#listener = queue.#scope.use(
        await Listener.open(database, {
          onNotice: (notice) => {
            for (const driver of queue.#drivers) driver.hear(notice);
          },
          onListening: () => {
            for (const driver of queue.#drivers) driver.catchUp().catch(() => {});
          },
        }),
      );
      queue.#scope.use(new Maintenance(() => queue.#maintain()));
      return queue;
    } catch (error) {
      await queue[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A claimer on the same connections; it is closed with the queue, or before. */
  openDriver(options: DriverOptions): PostgresDriver {
    const { workerId } = options;
    const driver = new PostgresDriver(options, {
      store: this.#store,
      artifactsOf: (claim) =>
        new PostgresArtifacts(claim, { database: this.#store.database, files: this.#files, workerId }),
      onDispose: () => void this.#drivers.delete(driver),
    });
    this.#drivers.add(driver);
    return driver;
  }

  async submit(definition: TaskDefinition, { taskId = newTaskId() }: { taskId?: string } = {}): Promise<TaskStatus> {
    const subject = "The task definition";
    const complete = parseAs("task-definition", definition, { subject, blame: "task" }) as CompleteDefinition;
    await this.#store.jobs.prepare(complete.queue);
    return await this.#store.transaction(async (tasks) => {
      await submitTask(tasks, taskId, complete);
      return await findStatus(tasks.sql, taskId);
    });
  }

  async list(filter: TaskFilter = {}): Promise<TaskStatus[]> {
    await sweep(this.#store);
    return await listTasks(this.#store.database, filter);
  }

  async show(reference: string): Promise<TaskDetails> {
    await sweep(this.#store);
    return await showTask(this.#store.database, await findTaskId(this.#store.database, reference));
  }

  async cancel(reference: string, message = "canceled by hand"): Promise<TaskStatus> {
    return await this.#change(reference, ({ core }, now) => end(core, "canceled", message, now));
  }

  async rerun(reference: string): Promise<TaskStatus> {
    return await this.#change(reference, ({ taskId, core, retries }, now) => {
      if (isResolved(core) && core.deadline <= now) throw deadlineOver(taskId);
      return rerun(core, retries, now);
    });
  }

  async artifacts(reference: string, runId?: number): Promise<ArtifactEntry[]> {
    const { database } = this.#store;
    const { taskId, runs } = await findStatus(database, await findTaskId(database, reference));
    return await listArtifacts(database, taskId, runId ?? runs.length - 1, this.#files);
  }

  async #change(reference: string, change: (task: TaskRecord, now: Date) => TaskCore): Promise<TaskStatus> {
    const taskId = await findTaskId(this.#store.database, reference);
    const { queue } = await findStatus(this.#store.database, taskId);
    await this.#store.jobs.prepare(queue);
    return await this.#store.transaction(async (tasks) => {
      const {
        tasks: [task],
        now,
      } = await tasks.lock([taskId]);
      if (task === undefined) throw notFound(taskId);
      await tasks.write(task, change(task, now), now);
      return await findStatus(tasks.sql, taskId);
    });
  }

  async #maintain(): Promise<void> {
    await sweep(this.#store);
    if (this.#listener?.isListening === false) {
      for (const driver of this.#drivers) await driver.catchUp();
    }
    if (performance.now() < this.#reclaimAtMs) return;
    this.#reclaimAtMs = performance.now() + RECLAIM_INTERVAL_MS;
    await reclaimArtifacts(this.#store.database, this.#files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of [...this.#drivers]) await driver[Symbol.asyncDispose]();
    await this.#scope[Symbol.asyncDispose]();
  }
}

function deadlineOver(taskId: string): QueueError {
  const message = `the deadline of task ${taskId} is over; submit it anew`;
  return new QueueError("task-deadline-over", message, { blame: "task" });
}
