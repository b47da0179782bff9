/** The status of a worker, for people. Pure. */
import { formatDuration } from "../../base/units.ts";
import type { WorkerStatus } from "../../worker/status.ts";

/** As it comes over HTTP: times are texts. */
export type PlainStatus = Omit<WorkerStatus, "startedAt" | "running"> & {
  readonly startedAt: string;
  readonly running: readonly (Omit<WorkerStatus["running"][number], "since"> & { readonly since: string })[];
};

export function describeStatus(status: PlainStatus, now = new Date()): string {
  const { state, why, queue, running, capacity, network, pooled, finished, startedAt } = status;
  const ends = Object.entries(finished.byEnd).map(([end, count]) => `${count} ${end}`);
  const lines = [
    `${state}${why === undefined ? "" : `: ${why}`}`,
    `queue     ${queue}`,
    `running   ${running.length} of ${capacity}${pooled === undefined ? "" : `, ${pooled} ready in the pool`}`,
    ...running.map(({ taskId, runId, name, phase, since }) => {
      const title = name === undefined ? "" : `  ${name}`;
      return `          ${taskId}/${runId}  ${phase}  for ${ago(since, now)}${title}`;
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
