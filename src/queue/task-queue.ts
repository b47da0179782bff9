/** The port to a job queue, as submitters and operators need it. */
import type { TaskDefinition } from "../generated/task-definition.ts";
import type { TaskState, TaskStatus } from "./task.ts";

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  readonly queue?: string;
  /** Default 100. */
  readonly limit?: number;
  /** Tasks that are older than this one, in the order of the list. */
  readonly before?: string;
}

/** One artifact of a run, as the queue knows it. */
export interface ArtifactEntry {
  readonly name: string;
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly expires: Date;
  /** Where this host has it; undefined where another host does. */
  readonly file?: string;
  readonly error?: { readonly reason: string; readonly message: string };
}

export interface TaskQueue extends AsyncDisposable {
  /**
   * @param definition Checked against the schema already, its payload not.
   * @throws {QueueError} `task-exists`, `dependency-not-found`.
   */
  submit(definition: TaskDefinition, options?: { taskId?: string }): Promise<TaskStatus>;
  /** The newest first. */
  list(filter?: TaskFilter): Promise<TaskStatus[]>;
  /**
   * @param reference An id, or the beginning of only one.
   * @throws {QueueError} `task-not-found`, `task-ambiguous`; so do those below.
   */
  show(reference: string): Promise<TaskStatus & { readonly definition: TaskDefinition }>;
  /** Ends it whatever it does; one that is resolved stays as it is. */
  cancel(reference: string, message?: string): Promise<TaskStatus>;
  /** Gives a task that is resolved another run, with all its retries. */
  rerun(reference: string): Promise<TaskStatus>;
  artifacts(reference: string, runId?: number): Promise<ArtifactEntry[]>;
}
