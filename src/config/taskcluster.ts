/** The part `taskcluster` of the section `queue`: a deployment to take tasks from. */
import type { Issue } from "../base/errors.ts";
import type { TaskclusterConfig } from "../generated/taskcluster-config.ts";
import { durationIssues } from "../schema/duration.ts";
import { durationMs } from "./quantities.ts";
import { type Secret, type Secrets, secretAt } from "./secret.ts";

/** Where it is in the configuration. */
const PATH = "queue.taskcluster";

export interface TaskclusterSettings {
  readonly rootUrl: string;
  readonly credentials: {
    readonly clientId: string;
    readonly accessToken: Secret;
    readonly certificate: Secret | undefined;
  };
  readonly workerGroup: string;
  readonly artifactStorage: "s3" | "object";
  readonly statusPollMs: number;
}

/** The part, with the schema's defaults in it. */
export type FilledTaskcluster = Required<TaskclusterConfig>;

/** As Taskcluster has it: what used to be a provisioner and a worker type. */
const TASK_QUEUE_ID = /^[A-Za-z0-9_-]{1,38}\/[A-Za-z0-9_-]{1,38}$/;

export function completeTaskcluster(filled: FilledTaskcluster, secrets: Secrets): TaskclusterSettings {
  const { credentials, statusPoll, ...rest } = filled;
  const { clientId, accessToken, certificate } = credentials;
  const secret = (name: string, value: typeof accessToken) => secretAt(`${PATH}.credentials.${name}`, value, secrets);
  return {
    ...rest,
    credentials: {
      clientId,
      accessToken: secret("accessToken", accessToken),
      certificate: certificate === undefined ? undefined : secret("certificate", certificate),
    },
    statusPollMs: durationMs(statusPoll),
  };
}

/**
 * @param name Of the task queue.
 * @param isUsed Whether the worker takes its tasks from here.
 */
export function taskclusterIssues(filled: FilledTaskcluster | undefined, name: string, isUsed: boolean): Issue[] {
  const issues = filled === undefined ? [] : durationIssues(`${PATH}.statusPoll`, filled.statusPoll);
  if (!isUsed) return issues;
  if (filled === undefined) issues.push({ path: PATH, message: "is missing, and the driver taskcluster needs it" });
  if (!TASK_QUEUE_ID.test(name)) {
    const message = `${JSON.stringify(name)} is no id of a task queue of Taskcluster, such as "example/machines"`;
    issues.push({ path: "queue.name", message });
  }
  return issues;
}
