/** The status of a worker, for people. Pure. */
import { formatDuration } from "../../base/units.ts";
import type { WorkerStatus } from "../../worker/status.ts";

/** As it comes over HTTP: times are texts. */
export type PlainStatus = Omit<WorkerStatus, "startedAt" | "running"> & {
  readonly startedAt: string;
  readonly running: readonly PlainTask[];
};

type PlainTask = Omit<WorkerStatus["running"][number], "since" | "keptUntil"> & {
  readonly since: string;
  readonly keptUntil?: string;
};

export function describeStatus(status: PlainStatus, now = new Date()): string {
  const { state, why, queue, running, capacity, network, pooled, finished, startedAt } = status;
  const ends = Object.entries(finished.byEnd).map(([end, count]) => `${count} ${end}`);
  const lines = [
    `${state}${why === undefined ? "" : `: ${why}`}`,
    `queue     ${queue}`,
    `running   ${running.length} of ${capacity}${pooled === undefined ? "" : `, ${pooled} ready in the pool`}`,
    ...running.map(({ taskId, runId, name, phase, since, keptUntil }) => {
      const title = name === undefined ? "" : `  ${name}`;
      const kept = keptUntil === undefined ? "" : `, until ${keptUntil.slice(0, 19)}Z`;
      return `          ${taskId}/${runId}  ${phase}  for ${ago(since, now)}${kept}${title}`;
    }),
    ...(network === undefined ? [] : [`network   ${network}`]),
    `finished  ${finished.total}${ends.length === 0 ? "" : ` (${ends.join(", ")})`}`,
    `up for    ${ago(startedAt, now)}`,
  ];
  return lines.join("\n");
}

function ago(time: string, now: Date): string {
  return formatDuration(Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1_000) * 1_000));
}
