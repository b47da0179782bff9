/**
 * The port to what workers of one queue know of each other. One suite, test/contract/worker-directory.ts, runs against
 * every directory.
 *
 *   announce() ──▶ said now and then, and when `changed()` is called ──▶ disposed: not in the list any more
 *                     └── its process died: silent ──▶ gone from the list after an hour
 */

export interface WorkerAnnouncement {
  /** Where other workers reach its HTTP API, without a path; undefined: nowhere. */
  readonly url?: string;
  /** Name of the task queue it claims from. */
  readonly queue: string;
  /** Of Boxcar. */
  readonly version: string;
  readonly startedAt: Date;
  /** As its HTTP API has it. */
  readonly status: WorkerStatusDocument;
}

/** What a worker says of itself, as JSON. Others read it, which may be older or newer: nothing of it is certain. */
export interface WorkerStatusDocument {
  readonly state?: unknown;
  readonly running?: unknown;
  readonly [name: string]: unknown;
}

export interface WorkerEntry extends WorkerAnnouncement {
  readonly workerId: string;
  /** When it was heard of last, by the clock of the queue. */
  readonly seenAt: Date;
  /** It was heard of not long ago; one that is not alive may have lost its network only. */
  readonly isAlive: boolean;
}

export interface WorkerDirectory {
  /**
   * Makes a worker known for as long as the result is not disposed.
   *
   * Of two that announce one id the first stays in the directory, and the other is told; it takes the place when the
   * first is gone.
   *
   * @param describe Called each time it is said.
   */
  announce(workerId: string, describe: () => WorkerAnnouncement, options?: AnnounceOptions): Announced;

  /** By their ids; those that have been silent for an hour are not among them. @throws {QueueError} */
  list(): Promise<WorkerEntry[]>;

  /** @throws {QueueError} */
  find(workerId: string): Promise<WorkerEntry | undefined>;

  /** 256 random bits that all workers of the queue share, and nobody else has. @throws {QueueError} */
  fleetKey(): Promise<Uint8Array>;
}

export interface AnnounceOptions {
  /** How often it is said; default 5 s. */
  readonly everyMs?: number;
  /** What people should know: another worker has the same id, or the directory cannot be told. Once until it is over. */
  readonly onTrouble?: (message: string) => void;
}

export interface Announced extends AsyncDisposable {
  /** It is said soon; many calls make one. */
  changed(): void;
  /** Resolves when it has been said, or could not be. */
  flush(): Promise<void>;
}

/** A worker that was not heard of for so long counts as gone. */
export const SILENT_AFTER_MS = 16_000;

export const ANNOUNCE_EVERY_MS = 5_000;

/** What is silent for so long is forgotten. */
export const FORGOTTEN_AFTER_MS = 3_600_000;
