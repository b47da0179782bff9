/** The port to a job queue, as submitters and operators need it. */
import type { TaskDefinition } from "../generated/task-definition.ts";
import type { LinkTarget } from "./driver.ts";
import type { TaskState, TaskStatus } from "./task.ts";

/** All that is known of one task. */
export interface TaskDetails extends TaskStatus {
  readonly definition: TaskDefinition;
  /** What keeps an unscheduled task from being scheduled. Those that are resolved will do so until its deadline. */
  readonly waitsFor: readonly { readonly taskId: string; readonly state: TaskState }[];
}

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  readonly queue?: string;
  /** Default 100. */
  readonly limit?: number;
  /** Tasks that are older than this one, in the order of the list. */
  readonly before?: string;
  /** The beginning of the id, or a part of the name or of the value of a tag; upper and lower case are the same. */
  readonly search?: string;
}

export interface SubmitOptions {
  /** Who says it may say it again: the same definition under the same id is the same task. */
  readonly taskId?: string;
  /** On whose behalf, for who looks at the task; at most 255 characters. Of the first time, where it is said again. */
  readonly submitter?: string;
  /**
   * Whose tasks that wait under the same key end: everybody's, or the submitter's alone; default `all`. Of what runs, and
   * would wait again, only the submitter's end in either case.
   */
  readonly supersedes?: "all" | "own";
}

/** What waits and runs. */
export interface QueueSummary {
  /** By name; those in which nothing waits or runs are not among them. */
  readonly queues: readonly {
    readonly name: string;
    readonly unscheduled: number;
    readonly pending: number;
    readonly running: number;
  }[];
  /** Since when the task that has waited longest for a worker does so. */
  readonly oldestPending?: Date;
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
  /** Who has put it there. */
  readonly workerId?: string;
  /** Why there is no content. */
  readonly error?: { readonly reason: string; readonly message: string };
  /** What it stands for. */
  readonly link?: LinkTarget;
}

export interface TaskQueue extends AsyncDisposable {
  /**
   * @param definition Checked against the schema already, its payload not.
   * @throws {QueueError} `task-exists`, `dependency-not-found`, `deadline-after-expiry`.
   */
  submit(definition: TaskDefinition, options?: SubmitOptions): Promise<TaskStatus>;
  /** The newest first. */
  list(filter?: TaskFilter): Promise<TaskStatus[]>;
  /**
   * @param reference An id, or the beginning of only one.
   * @throws {QueueError} `task-not-found`, `task-ambiguous`; so do those below.
   */
  show(reference: string): Promise<TaskDetails>;
  /** Ends it whatever it does; one that is resolved stays as it is. */
  cancel(reference: string, message?: string): Promise<TaskStatus>;
  /**
   * Gives a task that is resolved another run, with all its retries; one that is not stays as it is.
   *
   * @throws {QueueError} `task-deadline-over`: submit it anew.
   */
  rerun(reference: string): Promise<TaskStatus>;
  artifacts(reference: string, runId?: number): Promise<ArtifactEntry[]>;
  summary(): Promise<QueueSummary>;
}
