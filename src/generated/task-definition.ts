// Generated from schemas/task-definition.schema.json by scripts/generate-types.ts; never edited.

/**
 * A task as it is submitted to a queue: what to run, and when, how urgently and how often.
 */
export interface TaskDefinition {
  /**
   * Name of the task queue; workers claim from the one in their configuration.
   */
  queue?: string;
  /**
   * What the worker is to do; see the schema of the payload.
   */
  payload: {
    [k: string]: unknown;
  };
  /**
   * Which tasks are claimed first; those of one priority in the order in which they were submitted.
   */
  priority?: "highest" | "very-high" | "high" | "medium" | "low" | "very-low" | "lowest";
  /**
   * Ids of tasks that come first.
   *
   * @maxItems 1000
   */
  dependencies?: string[];
  /**
   * Whether the tasks it depends on must have completed, or may have ended in any way.
   */
  requires?: "all-completed" | "all-resolved";
  /**
   * How long after its submission the queue gives up on the task, whatever its state: seconds, or a text.
   */
  deadline?: number | string;
  /**
   * How long after its submission the task, its logs and artifacts are kept: seconds, or a text; not shorter than the deadline.
   */
  expires?: number | string;
  /**
   * How often the task is run again after its worker was lost or stopped, or when it says so by its exit code.
   */
  retries?: number;
  /**
   * A task that waits in the same task queue under the same key is not run any more once this one is submitted: it ends as superseded. Who may not cancel the tasks of others ends only those of his own by it.
   */
  supersede?: string;
  /**
   * For people.
   */
  metadata?: {
    /**
     * A few words.
     */
    name?: string;
    /**
     * What the task is for.
     */
    description?: string;
    /**
     * Whom to ask about it.
     */
    owner?: string;
    /**
     * Where the task comes from, as a URL.
     */
    source?: string;
  };
  /**
   * Names and values to find the task by.
   */
  tags?: {
    /**
     * Value of the tag.
     */
    [k: string]: string;
  };
}
