// Generated from schemas/taskcluster-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration, ConfigValuesSecret } from "./config-values.ts";

/**
 * A Taskcluster deployment from which a worker takes its tasks. The name of the queue is the id of a task queue there, with a slash in it.
 */
export interface TaskclusterConfig {
  /**
   * Root URL of the deployment.
   */
  rootUrl: string;
  /**
   * With what the worker claims: the scopes queue:claim-work:TASK_QUEUE, queue:worker-id:GROUP/ID and, to notice canceled tasks early, queue:status:*.
   */
  credentials: {
    /**
     * Name of the client.
     */
    clientId: string;
    /**
     * Its access token, or where that is.
     */
    accessToken: ConfigValuesSecret;
    /**
     * Certificate of temporary credentials, as JSON, or where that is.
     */
    certificate?: ConfigValuesSecret;
  };
  /**
   * Group that the worker belongs to, such as its place.
   */
  workerGroup?: string;
  /**
   * Where the deployment keeps files: `s3` is a bucket of the queue, `object` the object service, which not every deployment has.
   */
  artifactStorage?: "s3" | "object";
  /**
   * How often it is asked whether a running task was canceled: seconds, or a text.
   */
  statusPoll?: ConfigValuesDuration;
}
