/** Section `queue` of the configuration: where tasks come from. */
import type { Issue } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { QueueConfig } from "../generated/queue-config.ts";
import { durationIssues } from "../schema/duration.ts";
import { durationMs } from "./quantities.ts";
import { type Secret, type Secrets, secretAt } from "./secret.ts";
import {
  completeTaskcluster,
  type FilledTaskcluster,
  type TaskclusterSettings,
  taskclusterIssues,
} from "./taskcluster.ts";

export interface QueueSettings {
  readonly driver: FilledQueue["driver"];
  /** Of the task queue. */
  readonly name: string;
  /** Undefined: after the host. */
  readonly workerId: string | undefined;
  readonly leaseMs: number;
  readonly postgres: { readonly url: Secret | undefined };
  /** There, if the driver is that. */
  readonly taskcluster: TaskclusterSettings | undefined;
}

/** The section, with the schema's defaults in it. */
export type FilledQueue = Required<Omit<QueueConfig, "workerId" | "taskcluster">> &
  Pick<QueueConfig, "workerId"> & { taskcluster?: FilledTaskcluster };

/** What is shorter is over before a busy host has renewed it. */
const MIN_LEASE_MS = 10_000;

const URL_PATH = "queue.postgres.url";

export function completeQueue(
  { driver, name, workerId, lease, postgres, taskcluster }: FilledQueue,
  secrets: Secrets,
): QueueSettings {
  const { url } = postgres;
  return {
    ...{ driver, name, workerId },
    leaseMs: durationMs(lease),
    postgres: { url: url === undefined ? undefined : secretAt(URL_PATH, url, secrets) },
    taskcluster: taskcluster === undefined ? undefined : completeTaskcluster(taskcluster, secrets),
  };
}

export function queueIssues({ driver, name, lease, postgres, taskcluster }: FilledQueue): Issue[] {
  const issues = durationIssues("queue.lease", lease);
  if (issues.length === 0 && durationMs(lease) < MIN_LEASE_MS) {
    const message = `${formatDuration(durationMs(lease))} is too short; the least is ${formatDuration(MIN_LEASE_MS)}`;
    issues.push({ path: "queue.lease", message });
  }
  if (driver === "postgres" && postgres.url === undefined) {
    issues.push({ path: URL_PATH, message: "is missing, and the driver postgres needs it" });
  }
  return [...issues, ...taskclusterIssues(taskcluster, name, driver === "taskcluster")];
}
