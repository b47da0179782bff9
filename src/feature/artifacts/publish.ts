/**
 * Hands the artifacts of a run to the queue, several at once, when its machine is gone.
 *
 *   put ──▶ published
 *    ├── blame upstream ──▶ waits, twice as long each time ──▶ put, until the time is over ──▶ failed
 *    ├── blame task ──▶ an error artifact in its place ──▶ refused
 *    └── anything else ──▶ failed
 *
 * One that fails does not keep the others from being handed over. *Borrows* the files; a destination may move them away.
 */
import { join } from "node:path";
import pMap from "p-map";
import pRetry from "p-retry";
import { orAborted } from "../../base/abort.ts";
import { messageOf, WorkerError } from "../../base/errors.ts";
import { formatDuration } from "../../base/units.ts";
import type { ArtifactsSettings } from "../../config/features/artifacts.ts";
import type { ArtifactDestination } from "../../queue/driver.ts";
import { type ArtifactRecord, guessContentType, type MissingArtifact, type StoredArtifact } from "./record.ts";

export interface PublishOptions {
  /** Absolute path of the folder the files of the records are in, by their names, where a record has none of its own. */
  readonly directory: string;
  readonly destination: ArtifactDestination;
  readonly settings: ArtifactsSettings["publish"];
  /** The end of the run, from which artifacts that expire before the task are counted. */
  readonly resolved: Date;
  /** When the task expires: no artifact does later. */
  readonly expires: Date;
  readonly signal: AbortSignal;
  /** A line for whoever reads about the run: what is tried again, refused, or has failed. */
  readonly note?: (text: string) => void;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Between the attempts; default: from half a second to half a minute. */
  readonly backOff?: { readonly minMs: number; readonly maxMs: number };
}

export interface Publication {
  /** As the queue has them: what it has refused is an error here. */
  readonly records: readonly ArtifactRecord[];
  /** What the task asked for and the queue will not take, by the task's fault. */
  readonly refused: readonly MissingArtifact[];
  /** What could not be handed over; not among the records. */
  readonly failures: readonly PublishFailure[];
}

export interface PublishFailure {
  readonly name: string;
  readonly error: WorkerError;
}

type Result = { readonly record: ArtifactRecord; readonly refused?: MissingArtifact } | PublishFailure;

const BACK_OFF = { minMs: 500, maxMs: 30_000 };

/** @throws `signal.reason`, at once; nothing else: see {@link publicationError}. */
export async function publishArtifacts(
  records: readonly ArtifactRecord[],
  options: PublishOptions,
): Promise<Publication> {
  const deadline = AbortSignal.timeout(options.settings.timeoutMs);
  const publisher = new Publisher(options, deadline);
  let done = 0;
  const publishOne = async (record: ArtifactRecord): Promise<Result> => {
    const result = await publisher.publish(record);
    options.onProgress?.({ done: ++done, total: records.length });
    return result;
  };
  options.signal.throwIfAborted();
  const results = await pMap(records, publishOne, { concurrency: options.settings.parallel });
  return {
    records: results.flatMap((result) => ("record" in result ? [result.record] : [])),
    refused: results.flatMap((result) => ("record" in result ? (result.refused ?? []) : [])),
    failures: results.filter((result) => "error" in result),
  };
}

/** Why a run whose artifacts are not all with the queue is an exception; undefined if they are. */
export function publicationError({ failures }: Publication): WorkerError | undefined {
  // What this host has to mend is not mended by another try.
  const worst = failures.find(({ error }) => error.blame !== "upstream") ?? failures[0];
  if (worst === undefined) return undefined;
  const others = failures.length === 1 ? "" : `, and ${failures.length - 1} more,`;
  return new WorkerError(`the artifact ${worst.name}${others} could not be kept: ${worst.error.message}`, {
    code: "artifacts-not-published",
    blame: worst.error.blame,
    cause: worst.error,
    details: { artifacts: failures.map(({ name }) => name) },
  });
}

class Publisher {
  readonly #options: PublishOptions;
  readonly #deadline: AbortSignal;
  /** Of the run or of the time. */
  readonly #either: AbortSignal;

  constructor(options: PublishOptions, deadline: AbortSignal) {
    this.#options = options;
    this.#deadline = deadline;
    this.#either = AbortSignal.any([options.signal, deadline]);
  }

  async publish(record: ArtifactRecord): Promise<Result> {
    try {
      if ("error" in record) return await this.#publishError(record);
      await this.#untilPut(record.name, () => this.#putFile(record));
      return { record };
    } catch (error) {
      this.#options.signal.throwIfAborted();
      if (isTasks(error)) return await this.publish(refusalOf(record, error));
      const failure = toWorkerError(error);
      this.#note(`warning: the artifact ${record.name} could not be kept: ${failure.message}`);
      return { name: record.name, error: failure };
    }
  }

  async #publishError(record: MissingArtifact & { readonly isRefusal?: true }): Promise<Result> {
    const { isRefusal, ...missing } = record;
    try {
      await this.#untilPut(missing.name, () => this.#putError(missing));
    } catch (error) {
      // What the queue will not even have as an error is said in the log alone.
      if (!isTasks(error) || this.#options.signal.aborted) throw error;
      this.#note(`warning: the artifact ${missing.name} is refused: ${messageOf(error)}`);
      return { record: missing, refused: missing };
    }
    if (isRefusal === undefined) return { record: missing };
    this.#note(`warning: the artifact ${missing.name} is refused: ${missing.message}`);
    return { record: missing, refused: missing };
  }

  async #untilPut(name: string, put: () => Promise<void>): Promise<void> {
    const { backOff = BACK_OFF, settings } = this.#options;
    let last: unknown;
    try {
      await pRetry(() => orAborted(put(), this.#either), {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: backOff.minMs,
        maxTimeout: backOff.maxMs,
        randomize: true,
        signal: this.#either,
        shouldRetry: ({ error }) => error instanceof WorkerError && error.blame === "upstream",
        onFailedAttempt: ({ error, attemptNumber, retryDelay }) => {
          last = error;
          if (attemptNumber > 1 || retryDelay === 0) return;
          this.#note(`the artifact ${name} could not be handed over, and is tried again: ${error.message}`);
        },
      });
    } catch (error) {
      if (!this.#deadline.aborted || this.#options.signal.aborted) throw error;
      const why = last === undefined ? "the queue did not take it" : messageOf(last);
      const limit = formatDuration(settings.timeoutMs);
      throw new WorkerError(`${why} (artifacts were handed over for ${limit}, which is the limit)`, {
        code: "artifact-timeout",
        blame: "upstream",
        cause: last,
      });
    }
  }

  #putFile(record: StoredArtifact): Promise<void> {
    const { name, sizeBytes, sha256, contentType = guessContentType(name), contentEncoding } = record;
    const { directory, destination } = this.#options;
    const { file = join(directory, name) } = record;
    const artifact = {
      ...{ name, file, sizeBytes, sha256, contentType },
      ...(contentEncoding === undefined ? {} : { contentEncoding }),
      expires: this.#expiryOf(record),
    };
    return destination.putFile(artifact, this.#either);
  }

  #putError({ name, error, message, ...record }: MissingArtifact): Promise<void> {
    const artifact = { name, reason: error, message, expires: this.#expiryOf(record) };
    return this.#options.destination.putError(artifact, this.#either);
  }

  #expiryOf({ expiresAfterMs = Number.POSITIVE_INFINITY }: Pick<ArtifactRecord, "expiresAfterMs">): Date {
    const { resolved, expires } = this.#options;
    return new Date(Math.min(resolved.getTime() + expiresAfterMs, expires.getTime()));
  }

  #note(text: string): void {
    this.#options.note?.(text);
  }
}

function isTasks(error: unknown): error is WorkerError {
  return error instanceof WorkerError && error.blame === "task";
}

function refusalOf(
  { name, expiresAfterMs }: ArtifactRecord,
  { message }: WorkerError,
): MissingArtifact & { readonly isRefusal: true } {
  const expiry = expiresAfterMs === undefined ? {} : { expiresAfterMs };
  return { name, error: "invalid-resource-on-worker", message, ...expiry, isRefusal: true };
}

function toWorkerError(error: unknown): WorkerError {
  if (error instanceof WorkerError) return error;
  return new WorkerError(messageOf(error), { code: "artifact-not-published", blame: "worker", cause: error });
}
