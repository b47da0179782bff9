/**
 * What workers say of themselves, as the API has it. Pure.
 *
 * It comes out of the queue's database, from workers that may be older or newer: what is not as it should be is left
 * out, or filled in.
 */
import type { ApiMachine, ApiRunningTask, ApiWorkerStatus } from "../../generated/api.ts";
import type { WorkerEntry, WorkerStatusDocument } from "../../queue/worker-directory.ts";

type Data = Readonly<Record<string, unknown>>;

const STATES: readonly ApiWorkerStatus["state"][] = [
  ...(["claiming", "full", "paused", "waiting", "draining", "stopping", "stopped"] as const),
];

export function readStatus(status: WorkerStatusDocument, entry: Pick<WorkerEntry, "startedAt">): ApiWorkerStatus {
  const { state, running } = status;
  const finished = dataOf(status["finished"]);
  return {
    state: STATES.find((known) => known === state) ?? "waiting",
    ...texts(status, ["why", "network"]),
    ...numbers(status, ["pooled"]),
    queue: textOf(status["queue"]) ?? "",
    startedAt: entry.startedAt.toISOString(),
    capacity: numberOf(status["capacity"]) ?? 0,
    running: (Array.isArray(running) ? running : []).flatMap((task) => readRunning(task) ?? []),
    finished: { total: numberOf(finished["total"]) ?? 0, byEnd: counts(dataOf(finished["byEnd"])) },
  };
}

function readRunning(task: unknown): ApiRunningTask | undefined {
  const data = dataOf(task);
  const { taskId, runId, phase, since } = data;
  if (typeof taskId !== "string" || typeof runId !== "number" || typeof phase !== "string") return undefined;
  if (typeof since !== "string" || Number.isNaN(Date.parse(since))) return undefined;
  const { display, shell } = data;
  return {
    ...{ taskId, runId, phase, since },
    ...texts(data, ["name", "machine", "keptUntil"]),
    ...numbers(data, ["memoryMiB"]),
    ...(typeof display === "boolean" ? { display } : {}),
    ...(typeof shell === "boolean" ? { shell } : {}),
  };
}

/** Of all workers, the oldest first. A run without memory has no machine yet, or no more. */
export function machinesOf(workers: readonly { workerId: string; status: ApiWorkerStatus }[]): ApiMachine[] {
  return workers
    .flatMap(({ workerId, status }) =>
      status.running.flatMap(({ memoryMiB, display = false, shell = false, ...task }) =>
        memoryMiB === undefined || memoryMiB === 0 ? [] : [{ ...task, workerId, memoryMiB, display, shell }],
      ),
    )
    .sort((a, b) => (a.since < b.since ? -1 : a.since > b.since ? 1 : 0));
}

function counts(data: Data): Record<string, number> {
  return Object.fromEntries(
    Object.entries(data).filter((entry): entry is [string, number] => numberOf(entry[1]) !== undefined),
  );
}

function texts<K extends string>(data: Data, names: readonly K[]): { [N in K]?: string } {
  const entries = names.flatMap((name) => (typeof data[name] === "string" ? [[name, data[name]]] : []));
  return Object.fromEntries(entries);
}

function numbers<K extends string>(data: Data, names: readonly K[]): { [N in K]?: number } {
  const entries = names.flatMap((name) => (numberOf(data[name]) === undefined ? [] : [[name, data[name]]]));
  return Object.fromEntries(entries);
}

function dataOf(value: unknown): Data {
  return typeof value === "object" && value !== null ? (value as Data) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}
