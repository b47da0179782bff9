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
import type { QueueEvents } from "../queue-events.ts";
import type { TaskStatus } from "../task.ts";
import { newTaskId } from "../task-id.ts";
import type { ArtifactEntry, QueueSummary, SubmitOptions, TaskDetails, TaskFilter, TaskQueue } from "../task-queue.ts";
import { end, isResolved, rerun, type TaskCore } from "../transitions.ts";
import type { WebhookOutbox } from "../webhook-outbox.ts";
import { SessionRows, TokenRows } from "./access-rows.ts";
import { Announcer } from "./announcer.ts";
import { listArtifacts, reclaimArtifacts } from "./artifact-rows.ts";
import { PostgresArtifacts } from "./artifacts.ts";
import type { ConnectionSource } from "./connection.ts";
import { Database } from "./database.ts";
import { PostgresDirectory } from "./directory.ts";
import { type DriverOptions, PostgresDriver } from "./driver.ts";
import { EventAnnouncer } from "./event-announcer.ts";
import { EVENT_CHANNEL } from "./event-payloads.ts";
import { PostgresEvents } from "./events.ts";
import { Jobs } from "./jobs.ts";
import { Listener } from "./listener.ts";
import { Maintenance, sweep } from "./maintenance.ts";
import { findTaskId, notFound } from "./references.ts";
import { type CompleteDefinition, submitTask } from "./submission.ts";
import { summarize } from "./summary.ts";
import { findStatus, listTasks, showTask } from "./task-lists.ts";
import type { TaskRecord } from "./task-rows.ts";
import { TaskStore } from "./task-store.ts";
import { PostgresWebhooks } from "./webhooks.ts";

export interface PostgresQueueOptions {
  readonly connection: ConnectionSource;
  readonly files: ArtifactFiles;
}

const RECLAIM_INTERVAL_MS = 10 * 60_000;

export class PostgresQueue implements TaskQueue {
  readonly description: string;
  /** What the workers of this queue know of each other. */
  readonly workers: PostgresDirectory;
  readonly #events: PostgresEvents;
  readonly #store: TaskStore;
  readonly #files: ArtifactFiles;
  readonly #drivers = new Set<PostgresDriver>();
  readonly #scope: Scope;
  #listener: Listener | undefined;
  #reclaimAtMs = 0;

  private constructor(store: TaskStore, files: ArtifactFiles, announcer: EventAnnouncer, scope: Scope) {
    this.description = store.database.description;
    this.workers = new PostgresDirectory(store.database);
    this.#events = new PostgresEvents(announcer, () => this.#listener as Listener);
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
    const events = scope.use(new EventAnnouncer(database));
    const store = new TaskStore(database, jobs, {
      onPending: (queue) => announcer.announce(queue),
      onEvent: (event) => events.announce(event),
    });
    const queue = new PostgresQueue(store, files, events, scope.move());
    try {
      // The connection that shows other processes that this one uses the database.
      queue.#listener = queue.#scope.use(
        await Listener.open(database, {
          onNotice: (notice) => {
            for (const driver of queue.#drivers) driver.hear(notice);
          },
          onPayload: (channel, payload) => {
            if (channel === EVENT_CHANNEL) queue.#events.hear(payload);
          },
          onListening: () => {
            queue.#events.noteGap();
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

  /** Tokens and sessions, on the same connections; of no use after the queue. */
  get access(): { readonly tokens: TokenRows; readonly sessions: SessionRows } {
    const { database } = this.#store;
    return { tokens: new TokenRows(database), sessions: new SessionRows(database) };
  }

  /** Messages about tasks that are to be sent; of no use after the queue. */
  get webhooks(): WebhookOutbox {
    return new PostgresWebhooks(this.#store.database);
  }

  /** What happens on this queue, as it happens. */
  get events(): QueueEvents {
    return this.#events;
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

  async submit(definition: TaskDefinition, options: SubmitOptions = {}): Promise<TaskStatus> {
    const { taskId = newTaskId(), ...whose } = options;
    const subject = "The task definition";
    const complete = parseAs("task-definition", definition, { subject, blame: "task" }) as CompleteDefinition;
    await this.#store.jobs.prepare(complete.queue);
    return await this.#store.transaction(async (tasks) => {
      await submitTask(tasks, taskId, complete, whose);
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

  async summary(): Promise<QueueSummary> {
    await sweep(this.#store);
    return await summarize(this.#store.database);
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
    await this.workers.forgetSilent();
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
