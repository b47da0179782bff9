/**
 * What takes longer than a request: begun by one, asked about by others.
 *
 *   running ──▶ done | failed ──newer ones come──▶ forgotten
 *
 * One that is under way already is not begun again. *Owns* what runs: disposal aborts it, and waits.
 */
import { randomUUID } from "node:crypto";
import type { ApiJob } from "../../generated/api.ts";
import { ApiError, toApiError } from "../api/api-error.ts";

export interface JobsOptions {
  /** At once; default 4. */
  maxRunning?: number;
  /** Of those that are over; default 100. */
  maxKept?: number;
  /** One has failed; who asked for it is told less. */
  onFailure?: (error: unknown, job: ApiJob) => void;
}

/** Resolves with the digest of the image that came of it. */
export type JobWork = (signal: AbortSignal, report: (progress: () => string) => void) => Promise<string>;

interface Entry {
  job: ApiJob;
  readonly key: string;
  /** Made when somebody asks: there is much more progress than there are questions. */
  progress: (() => string) | undefined;
}

export class Jobs implements AsyncDisposable {
  readonly #options: JobsOptions;
  /** The newest last. */
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Set<Promise<void>>();
  readonly #over = new AbortController();

  constructor(options: JobsOptions = {}) {
    this.#options = options;
  }

  /** The newest first. */
  list(): ApiJob[] {
    return [...this.#entries.values()].reverse().map(describe);
  }

  find(id: string): ApiJob | undefined {
    const entry = this.#entries.get(id);
    return entry && describe(entry);
  }

  /**
   * @param key What is done; the job that does the same is the answer, while it runs.
   * @throws {ApiError} `too-many-jobs`, `shutting-down`
   */
  start(kind: ApiJob["kind"], key: string, work: JobWork): ApiJob {
    const { maxRunning = 4 } = this.#options;
    const same = [...this.#entries.values()].find((entry) => entry.key === key && entry.job.state === "running");
    if (same !== undefined) return describe(same);
    if (this.#over.signal.aborted) throw new ApiError(503, "shutting-down", "the worker ends; ask another");
    if (this.#running.size >= maxRunning) {
      const message = `${maxRunning} jobs run already; try again when one of them is done`;
      throw new ApiError(429, "too-many-jobs", message, undefined, { "Retry-After": "10" });
    }
    const job: ApiJob = { job: randomUUID(), kind, state: "running", started: new Date().toISOString() };
    const entry: Entry = { job, key, progress: undefined };
    this.#entries.set(job.job, entry);
    this.#forget();
    const running = this.#run(entry, work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return describe(entry);
  }

  /** Never rejects. */
  async #run(entry: Entry, work: JobWork): Promise<void> {
    try {
      const image = await work(this.#over.signal, (progress) => {
        entry.progress = progress;
      });
      entry.job = { ...entry.job, state: "done", image };
    } catch (error) {
      const { code, message } = toApiError(error);
      entry.job = { ...entry.job, state: "failed", error: { code, message } };
      if (!this.#over.signal.aborted) this.#options.onFailure?.(error, entry.job);
    } finally {
      entry.progress = undefined;
    }
  }

  #forget(): void {
    const { maxKept = 100 } = this.#options;
    const old = [...this.#entries.values()].filter(({ job }) => job.state !== "running");
    for (const { job } of old.slice(0, Math.max(0, old.length - maxKept))) this.#entries.delete(job.job);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new ApiError(503, "shutting-down", "the worker has ended"));
    await Promise.allSettled(this.#running);
  }
}

function describe({ job, progress }: Entry): ApiJob {
  return progress === undefined ? job : { ...job, progress: progress() };
}
