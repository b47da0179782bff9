/** The queue of a configuration, as a worker needs it. */
import { hostname } from "node:os";
import type { AccessStore } from "../../access/session-store.ts";
import { InvalidInputError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import type { ArtifactOrigin } from "../../image/source/artifact-origin.ts";
import type { QueueDriver } from "../../queue/driver.ts";
import type { QueueEvents } from "../../queue/queue-events.ts";
import { SoleDirectory, SoleEvents } from "../../queue/sole-worker.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import type { TaskclusterQueue } from "../../queue/taskcluster/taskcluster-queue.ts";
import type { WebhookOutbox } from "../../queue/webhook-outbox.ts";
import type { WorkerDirectory } from "../../queue/worker-directory.ts";
import { FleetArtifacts } from "../../web/fleet/fleet-artifacts.ts";
import { openTaskQueue } from "../queue/open-task-queue.ts";

export interface OpenQueue extends AsyncDisposable {
  readonly driver: QueueDriver;
  /** Undefined where others have the queue, and submitters speak to them. */
  readonly tasks: TaskQueue | undefined;
  /** What the workers of the queue know of each other; where others have the queue, each knows itself. */
  readonly workers: WorkerDirectory;
  /** Tokens and sessions, for all workers of it; undefined where others have the queue. */
  readonly access: Pick<AccessStore, "tokens" | "sessions"> | undefined;
  /** What happens on it; where others have the queue, in this process. */
  readonly events: QueueEvents;
  /** Artifacts of its tasks, as the worker may have them. */
  readonly origin: ArtifactOrigin;
  /** Messages about its tasks that are to be sent; undefined where others have the queue. */
  readonly webhooks: WebhookOutbox | undefined;
}

/** @throws {QueueError} */
export async function openQueue(config: Config, logger: Logger): Promise<OpenQueue> {
  if (config.queue.driver === "taskcluster") {
    const driver = await openTaskcluster(config, logger);
    const alone = {
      tasks: undefined,
      access: undefined,
      workers: new SoleDirectory(),
      events: new SoleEvents(),
      webhooks: undefined,
    };
    return { driver, ...alone, origin: driver.origin, [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose]() };
  }
  await using scope = new Scope();
  const tasks = scope.use(await openTaskQueue(config));
  const { name: queue, workerId = defaultWorkerId(), leaseMs } = config.queue;
  const driver = scope.use(tasks.openDriver({ queue, workerId, leaseMs }));
  const all = scope.move();
  const { access, workers, events, webhooks } = tasks;
  const origin = new FleetArtifacts({ self: workerId, tasks, workers });
  return {
    driver,
    tasks,
    access,
    workers,
    events,
    webhooks,
    origin,
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

async function openTaskcluster({ queue }: Config, logger: Logger): Promise<TaskclusterQueue> {
  const { name: taskQueueId, taskcluster, workerId = defaultWorkerId() } = queue;
  if (taskcluster === undefined) {
    throw new InvalidInputError("The configuration", [{ path: "queue.taskcluster", message: "is missing" }], "host");
  }
  // It brings an HTTP client of its own, which nobody else needs.
  const { openTaskclusterQueue } = await import("../../queue/taskcluster/from-settings.ts");
  return await openTaskclusterQueue(taskcluster, { taskQueueId, workerId, logger });
}

/** As queues take it: letters, digits, `-` and `_`, at most 38 of them. */
export function defaultWorkerId(host = hostname()): string {
  return host.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 38) || "worker";
}
