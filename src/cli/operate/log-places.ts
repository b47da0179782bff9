/** Where a log may be: on this host, with its queue; or with a worker elsewhere. */
import type { Readable } from "node:stream";
import { codeOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import type { TaskStatus } from "../../queue/task.ts";
import { type LogName, TaskLogs } from "../../worker/lookup/task-logs.ts";
import { hostFolders } from "../../worker/task-host.ts";
import { openTaskQueue } from "../queue/open-task-queue.ts";
import type { ServerAddress } from "../server/address.ts";
import { openResponse } from "../server/request.ts";
import { ask } from "../server/server.ts";
import { controlSocket } from "../worker/control-socket.ts";

export interface WantedLog extends LogName {
  follow: boolean;
  from: number;
}

export interface LogPlaces extends AsyncDisposable {
  /** @param task An id, or the beginning of only one. */
  show(task: string, signal: AbortSignal): Promise<Pick<TaskStatus, "taskId" | "state" | "runs">>;
  /** Undefined where there is none, yet. */
  find(wanted: WantedLog, signal: AbortSignal): Promise<Readable | undefined>;
}

/** Those of this host: of its worker, if one runs, and what was kept. */
export async function openLocalLogs(config: Config): Promise<LogPlaces> {
  await using scope = new Scope();
  const tasks = scope.use(await openTaskQueue(config));
  const kept = new TaskLogs({ tasks, runsFolder: hostFolders(config).runs });
  const worker = { socketPath: controlSocket(config) };
  const all = scope.move();
  return {
    show: (task) => tasks.show(task),
    async find(wanted, signal) {
      const live = await askWorker(worker, wanted, signal, ["no-worker", "log-not-found"]);
      return live ?? (await kept.find(wanted))?.read({ from: wanted.from });
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

export function serverLogs(server: ServerAddress): LogPlaces {
  return {
    show: (task, signal) => ask({ server, path: `/api/v1/tasks/${encodeURIComponent(task)}`, signal }),
    find: (wanted, signal) => askWorker(server, wanted, signal, ["log-not-found"]),
    async [Symbol.asyncDispose]() {},
  };
}

async function askWorker(
  server: ServerAddress,
  { task, run, name, from, follow }: WantedLog,
  signal: AbortSignal,
  missing: readonly string[],
): Promise<Readable | undefined> {
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${run}/logs/${name}?from=${from}&follow=${follow ? 1 : 0}`;
  try {
    return await openResponse({ server, path, signal });
  } catch (error) {
    if (missing.includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
