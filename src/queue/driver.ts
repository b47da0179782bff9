/**
 * The port to a job queue, as a worker needs it. One suite, test/contract/queue.ts, runs against every driver.
 *
 *   claim() ──▶ claimed ──renew() …──▶ resolve() ──▶ over
 *                  └── canceled, deadline, lease expired: `lost` fires ──▶ over, nothing more is reported
 *
 * A task is claimed by one worker at a time. Who stops renewing loses it, and it is run again, by somebody else.
 */
import type { Cancellation, ExceptionReason } from "../base/errors.ts";
import type { QueueArtifacts } from "./queue-artifacts.ts";
import type { Priority } from "./task.ts";

export interface QueueDriver extends AsyncDisposable {
  /** On one line, for people: the kind of queue and where it is; without secrets. */
  readonly description: string;

  /**
   * Up to `count` tasks, as soon as there is one; none after a while, which is normal.
   *
   * @throws {QueueError} blame upstream: it could not be asked; try again later.
   * @throws `signal.reason`; what was claimed meanwhile has been given back.
   */
  claim(count: number, signal: AbortSignal): Promise<Claim[]>;
}

/** One run of a task, which is ours until it is resolved, or `lost` fires. */
export interface Claim {
  readonly task: ClaimedTask;
  /** End of the lease; later after each {@link Claim.renew}. */
  readonly takenUntil: Date;
  /**
   * Fires when the run is not ours any more. Its reason is a {@link Cancellation}: canceled, deadline-exceeded,
   * superseded, claim-expired. The queue knows: {@link Claim.resolve} does nothing then.
   */
  readonly lost: AbortSignal;
  /** Where what is to be kept of the run goes, before it is resolved. */
  readonly artifacts: ArtifactDestination;
  /** Artifacts of other tasks, as this task may have them; undefined: all tasks of the queue may have the same. */
  readonly origin?: QueueArtifacts;

  /**
   * Asks for a longer lease. A run that is not ours any more makes `lost` fire.
   *
   * @throws {QueueError} blame upstream: it could not be asked; the lease ends when it did.
   */
  renew(signal?: AbortSignal): Promise<void>;

  /**
   * Reports how the run ended, once; to say the same again is allowed.
   *
   * @throws {QueueError} blame upstream: it could not be told; say it again.
   */
  resolve(resolution: Resolution, signal?: AbortSignal): Promise<void>;
}

/** `worker-shutdown` and `intermittent-task` are run again, while retries are left. */
export type Resolution =
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly reason?: string; readonly message?: string; readonly exitCode?: number }
  | { readonly kind: "exception"; readonly reason: ExceptionReason; readonly message?: string };

export interface ClaimedTask {
  readonly taskId: string;
  /** From 0, counted by the queue. */
  readonly runId: number;
  /** Unchecked: anybody who may submit tasks wrote it. */
  readonly payload: unknown;
  readonly priority: Priority;
  readonly created: Date;
  /** When this run could have been claimed; undefined where the queue does not say. */
  readonly scheduled?: Date;
  /** The trace that the task is part of, where it says so; unchecked. W3C Trace Context, `traceparent`. */
  readonly traceparent?: string;
  /** When the queue gives up on the task, whatever its state. */
  readonly deadline: Date;
  /** When the task and its artifacts may be forgotten. */
  readonly expires: Date;
  /** How people call it, if they do. */
  readonly name: string | undefined;
  /** Who submitted it, where that was said. */
  readonly submitter?: string;
  /** Where the queue has such: what the task may do; a `*` at the end stands for anything. */
  readonly scopes?: readonly string[];
}

/**
 * Keeps artifacts of one run. Everything may be said again after a failure, with the same content.
 *
 * @throws {QueueError} blame upstream: try again later. blame task: never.
 */
export interface ArtifactDestination {
  putFile(artifact: FileArtifact, signal: AbortSignal): Promise<void>;
  /** Tells who looks for the artifact why there is none. */
  putError(artifact: ErrorArtifact, signal: AbortSignal): Promise<void>;
  /** Makes `name` stand for another artifact of the same run, or for what is at an address while the run lasts. */
  putLink?(
    link: { name: string; contentType: string; expires?: Date } & LinkTarget,
    signal: AbortSignal,
  ): Promise<void>;
}

export type LinkTarget = { readonly artifact: string } | { readonly url: string };

export interface FileArtifact {
  /** Relative path of plain names. */
  readonly name: string;
  /** Absolute path of the file on this host; it may be moved away by the destination, and is not changed meanwhile. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Of the bytes of the file, lower-case hex. */
  readonly sha256: string;
  readonly contentType: string;
  /** How the bytes of the file are packed, as in HTTP; undefined: not at all. */
  readonly contentEncoding?: "gzip" | "zstd";
  /** Not later than the task's own; that, if left out. */
  readonly expires?: Date;
}

export interface ErrorArtifact {
  readonly name: string;
  readonly reason: "file-missing-on-worker" | "invalid-resource-on-worker" | "too-large-file-on-worker";
  readonly message: string;
  readonly expires?: Date;
}
