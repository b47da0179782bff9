/** Which worker answers what is asked about a run: its live machine, its log, files of its host. */
import type { Run } from "../../queue/task.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import type { WorkerDirectory, WorkerEntry } from "../../queue/worker-directory.ts";
import { ApiError } from "../api/api-error.ts";

export type Location =
  /** Also where nobody has it yet: this worker says so. */
  { readonly kind: "here" } | { readonly kind: "elsewhere"; readonly workerId: string; readonly url: string };

export interface RunFacts {
  /** Id of the worker that decides. */
  readonly self: string;
  readonly run: Pick<Run, "runId" | "state" | "workerId"> | undefined;
  /** Whether files of the run are on this host. */
  readonly isKeptHere: boolean;
  /** As the directory has the worker that has, or had, the run. */
  readonly worker: WorkerEntry | undefined;
}

const HERE: Location = { kind: "here" };

/** Pure. @throws {ApiError} `worker-silent`, `worker-gone`, `worker-without-address` */
export function decideLocation({ self, run, isKeptHere, worker }: RunFacts): Location {
  const { workerId } = run ?? {};
  if (workerId === undefined || workerId === self || isKeptHere) return HERE;
  return locateWorker(workerId, worker, run?.state === "running" ? "has this run" : "has what is kept of this run");
}

/**
 * Where a worker is that is not this one. Pure.
 *
 * @param role What it is needed for, as the end of a sentence.
 * @throws {ApiError} `worker-silent`, `worker-gone`, `worker-without-address`
 */
export function locateWorker(workerId: string, worker: WorkerEntry | undefined, role: string): Location {
  const said = `the worker ${workerId} ${role}`;
  if (worker === undefined) {
    throw new ApiError(503, "worker-gone", `${said}, and has ended; start it again on its host`);
  }
  const { isAlive, seenAt, url } = worker;
  if (!isAlive) {
    const since = seenAt.toISOString();
    const message = `${said}, and has been silent since ${since}; see whether its host runs, and reaches the queue's database`;
    throw new ApiError(503, "worker-silent", message, { workerId, silentSince: since });
  }
  if (url === undefined || !URL.canParse(url)) {
    const message = `${said}, and cannot be reached by others; set worker.http.listen, and worker.http.url or fleetUrl, in its configuration`;
    throw new ApiError(503, "worker-without-address", message);
  }
  return { kind: "elsewhere", workerId, url };
}

export interface RunLocatorOptions {
  readonly self: string;
  readonly tasks: Pick<TaskQueue, "show" | "artifacts">;
  readonly workers: Pick<WorkerDirectory, "find">;
  /** Whether a worker will do that has the files of the run, too. */
  readonly isForFiles: boolean;
}

/**
 * Looks in the queue, each time.
 *
 * @param task An id, or the beginning of only one.
 * @throws {QueueError} `task-not-found`, `task-ambiguous`; it cannot be asked.
 * @throws {ApiError} `run-not-found`, and see {@link decideLocation}.
 */
export async function locateRun(
  { self, tasks, workers, isForFiles }: RunLocatorOptions,
  task: string,
  run: number | "latest",
): Promise<Location> {
  const { taskId, runs } = await tasks.show(task);
  const found = run === "latest" ? runs.at(-1) : runs[run];
  if (found === undefined && run !== "latest") {
    throw new ApiError(404, "run-not-found", `task ${taskId} has no run ${run}; it has had ${runs.length}`);
  }
  const { runId, workerId, state } = found ?? {};
  if (runId === undefined || workerId === undefined || workerId === self) return HERE;
  // Of one that runs the files are still with its worker.
  const isOver = state !== "running" && isForFiles;
  const isKeptHere = isOver && (await tasks.artifacts(taskId, runId)).some(({ file }) => file !== undefined);
  const worker = isKeptHere ? undefined : await workers.find(workerId);
  return decideLocation({ self, run: found, isKeptHere, worker });
}
