/** The queue of a configuration, as a worker needs it. */
import { hostname } from "node:os";
import { InvalidInputError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import type { QueueDriver } from "../../queue/driver.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import { openTaskQueue } from "../queue/open-task-queue.ts";

export interface OpenQueue extends AsyncDisposable {
  readonly driver: QueueDriver;
  /** Undefined where others have the queue, and submitters speak to them. */
  readonly tasks: TaskQueue | undefined;
}

/** @throws {QueueError} */
export async function openQueue(config: Config, logger: Logger): Promise<OpenQueue> {
  if (config.queue.driver === "taskcluster") {
    const driver = await openTaskcluster(config, logger);
    return { driver, tasks: undefined, [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose]() };
  }
  await using scope = new Scope();
  const tasks = scope.use(await openTaskQueue(config));
  const { name: queue, workerId = defaultWorkerId(), leaseMs } = config.queue;
  const driver = scope.use(tasks.openDriver({ queue, workerId, leaseMs }));
  const all = scope.move();
  return { driver, tasks, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

async function openTaskcluster({ queue }: Config, logger: Logger): Promise<QueueDriver> {
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
