/** What `boxcar top` shows. Pure. */
import { formatDuration } from "../../base/units.ts";
import type { ApiMachines, ApiQueue, ApiWorkers } from "../../generated/api.ts";
import { table } from "../table.ts";

export interface Overview {
  /** Absent where somebody else has the queue. */
  readonly queue?: ApiQueue;
  readonly workers: ApiWorkers;
  readonly machines: ApiMachines;
}

/** Lines of at most `columns` characters, at most `rows` of them. */
export function topView(overview: Overview, now: Date, { columns, rows }: { columns: number; rows: number }): string {
  const { queue, workers, machines } = overview;
  const lines = [
    headline(workers, machines),
    ...(queue === undefined ? [] : queueLines(queue, now)),
    "",
    ...workerLines(workers, now),
    "",
    ...machineLines(machines, now),
  ];
  const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more`];
  return shown.map((line) => shorten(line, columns)).join("\n");
}

function isAlive({ alive = true }: ApiWorkers[number]): boolean {
  return alive;
}

/** A terminal takes more than text, and names come from outside. */
function shorten(line: string, columns: number): string {
  const text = line.replaceAll(/\p{C}/gu, "?");
  return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
}

function headline(workers: ApiWorkers, machines: ApiMachines): string {
  const alive = workers.filter(isAlive);
  const capacity = alive.reduce((sum, { status }) => sum + status.capacity, 0);
  const silent = workers.length - alive.length;
  const others = silent === 0 ? "" : `, ${silent} silent`;
  return `${count(alive.length, "worker")}${others}, ${machines.length} of ${count(capacity, "machine")} in use`;
}

function queueLines({ queues, oldestPending }: ApiQueue, now: Date): string[] {
  const oldest = oldestPending === undefined ? "" : `; the oldest waits for ${age(oldestPending, now)}`;
  if (queues.length === 0) return ["no task waits or runs"];
  return queues.map(({ name, unscheduled, pending, running }, index) => {
    const others = unscheduled === 0 ? "" : `, ${unscheduled} wait for others`;
    return `queue ${name}: ${pending} pending, ${running} running${others}${index === 0 ? oldest : ""}`;
  });
}

function workerLines(workers: ApiWorkers, now: Date): string[] {
  if (workers.length === 0) return ['no worker; "boxcar worker" starts one'];
  const rows = workers.map((worker) => {
    const { workerId, queue, seenAt, status } = worker;
    const { state, why = "", running, capacity } = status;
    // What it did then is of no use to anybody.
    const [shownState, shownWhy] = isAlive(worker) ? [state, why] : ["silent", "not heard of any more"];
    return [workerId, shownState, `${running.length}/${capacity}`, queue, age(seenAt, now), shownWhy];
  });
  return table([["WORKER", "STATE", "RUNS", "QUEUE", "SEEN", "WHY"], ...rows]).split("\n");
}

function machineLines(machines: ApiMachines, now: Date): string[] {
  if (machines.length === 0) return ["no machine runs"];
  const rows = machines.map(({ taskId, runId, name, workerId, phase, memoryMiB, since, keptUntil }) => [
    taskId,
    String(runId),
    workerId,
    keptUntil === undefined ? phase : "kept",
    age(since, now),
    `${memoryMiB} MiB`,
    name ?? "",
  ]);
  return table([["TASK", "RUN", "WORKER", "PHASE", "FOR", "MEMORY", "NAME"], ...rows]).split("\n");
}

function age(since: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 1_000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
