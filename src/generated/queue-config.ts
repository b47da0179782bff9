// Generated from schemas/queue-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration, ConfigValuesSecret } from "./config-values.ts";
import type { TaskclusterConfig } from "./taskcluster-config.ts";

/**
 * Where tasks come from, and where they are submitted to.
 */
export interface QueueConfig {
  /**
   * `embedded`: a queue of this host, which needs nothing but PostgreSQL's Debian package. `postgres`: one for any number of hosts, in a PostgreSQL database. `taskcluster`: one in a Taskcluster deployment.
   */
  driver?: "embedded" | "postgres" | "taskcluster";
  /**
   * Name of the task queue that the worker claims from, and that tasks are submitted to which name none.
   */
  name?: string;
  /**
   * What the queue calls this worker. The name of the host, if it is left out.
   */
  workerId?: string;
  /**
   * How long a claim holds unless it is renewed, 10 seconds at least: a task whose worker is gone is run again after that. Seconds, or a text.
   */
  lease?: ConfigValuesDuration;
  /**
   * The database of the driver postgres.
   */
  postgres?: {
    /**
     * URL of the database, postgres://USER:PASSWORD@HOST/DATABASE, or where it is. PostgreSQL 15 or newer; the user must be allowed to create schemas.
     */
    url?: ConfigValuesSecret;
  };
  taskcluster?: TaskclusterConfig;
}
