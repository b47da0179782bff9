/**
 * Claims runs from one task queue.
 *
 * *Owns* the claims until they are over; *borrows* the store.
 */
import type { ArtifactDestination, QueueDriver } from "../driver.ts";
import { QueueError } from "../errors.ts";
import { PRIORITIES } from "../task.ts";
import { claim } from "../transitions.ts";
import { type HeldRun, PostgresClaim } from "./claim.ts";
import { isConflict } from "./database-errors.ts";
import type { Notice } from "./notices.ts";
import { type CoreRow, recordOf } from "./task-rows.ts";
import type { TaskStore, TaskTransaction } from "./task-store.ts";
import { Wake } from "./wake.ts";

export interface DriverOptions {
  /** Name of the task queue. */
  readonly queue: string;
  readonly workerId: string;
  /** How long a claim holds unless it is renewed. */
  readonly leaseMs: number;
  /** How long {@link QueueDriver.claim} waits for a task; default 20 s. */
  readonly maxWaitMs?: number;
}

export interface DriverSurroundings {
  readonly store: TaskStore;
  readonly artifactsOf: (claim: PostgresClaim) => ArtifactDestination;
  readonly onDispose: (driver: PostgresDriver) => void;
}

const DEFAULT_WAIT_MS = 20_000;

/** Claimers are woken; these are for when the call is lost. */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 3_000;

/** PostgreSQL does not look into these documents, see migrations.ts. */
const CLAIM_COLUMNS =
  "payload, name, created, submitter, CASE WHEN details::text LIKE '%traceparent%' THEN details END AS traced";

interface ClaimRow extends CoreRow {
  readonly payload: unknown;
  readonly created: Date;
  readonly submitter: string | null;
  /** Of tasks that may name a trace. */
  readonly traced: { readonly tags?: Readonly<Record<string, string>> } | null;
  readonly now: Date;
}

export class PostgresDriver implements QueueDriver {
  readonly description: string;
  readonly #options: DriverOptions;
  readonly #surroundings: DriverSurroundings;
  readonly #wake = new Wake();
  readonly #claims = new Map<string, PostgresClaim>();
  readonly #closed = new AbortController();

  constructor(options: DriverOptions, surroundings: DriverSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.description = `${surroundings.store.database.description}, task queue ${options.queue}`;
  }

  async claim(count: number, signal: AbortSignal): Promise<PostgresClaim[]> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    const endMs = performance.now() + (this.#options.maxWaitMs ?? DEFAULT_WAIT_MS);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS)) {
      either.throwIfAborted();
      const calls = this.#wake.calls;
      const claims = await this.#tryClaim(count).catch(noneInTheWay);
      if (either.aborted) await Promise.allSettled(claims.map((held) => held.giveBack()));
      either.throwIfAborted();
      const leftMs = endMs - performance.now();
      if (claims.length > 0 || leftMs <= 0) return claims;
      await this.#wake.wait(calls, Math.min(leftMs, pauseMs * (0.5 + Math.random())), either);
    }
  }

  async #tryClaim(count: number): Promise<PostgresClaim[]> {
    const { store } = this.#surroundings;
    const { queue, leaseMs } = this.#options;
    await store.jobs.prepare(queue);
    const runs = await store.transaction(async (tasks) => {
      const askedAtMs = performance.now();
      const held: HeldRun[] = [];
      for (const row of await tasks.takeJobs<ClaimRow>(queue, count, CLAIM_COLUMNS)) {
        const run = row.task_id === null ? undefined : await this.#begin(tasks, row, askedAtMs);
        if (run !== undefined) held.push(run);
        // A job without a task would be handed out for ever.
        else await tasks.removeJob(queue, row.taken);
      }
      return held.sort((a, b) => PRIORITIES.indexOf(a.task.priority) - PRIORITIES.indexOf(b.task.priority));
    });
    const { artifactsOf } = this.#surroundings;
    const onOver = (over: PostgresClaim) => void this.#claims.delete(over.job);
    const claims = runs.map((held) => new PostgresClaim(held, { store, leaseMs, artifactsOf, onOver }));
    for (const held of claims) this.#claims.set(held.job, held);
    return claims;
  }

  /** Undefined for a task that does not wait for a claimer. */
  async #begin(tasks: TaskTransaction, row: ClaimRow, askedAtMs: number): Promise<HeldRun | undefined> {
    const { workerId, leaseMs } = this.#options;
    const task = recordOf(row);
    const takenUntil = new Date(row.now.getTime() + leaseMs);
    const core = claim(task.core, { workerId, takenUntil }, row.now);
    if (task.job === undefined || core === task.core) return undefined;
    await tasks.write(task, core, row.now);
    return heldRun(row, task.job, askedAtMs);
  }

  /** Of all processes; most are for others. */
  hear(notice: Notice): void {
    if (notice.kind === "lost") this.#claims.get(notice.job)?.lose(notice.reason, notice.message);
    else if (notice.queue === this.#options.queue) this.#wake.call();
  }

  /** Notices may have been missed. @throws {QueueError} */
  async catchUp(): Promise<void> {
    this.#wake.call();
    for (const held of [...this.#claims.values()]) await held.check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new Error("the queue was closed"));
    for (const held of [...this.#claims.values()]) held.forget();
    this.#surroundings.onDispose(this);
  }
}

/** Somebody has the next task under a lock, in the end for as long as the database lets him: it is free later. */
function noneInTheWay(error: unknown): PostgresClaim[] {
  if (error instanceof QueueError && isConflict(error.cause)) return [];
  throw error;
}

function heldRun(row: ClaimRow, job: string, askedAtMs: number): HeldRun {
  const { taskId, priority, core } = recordOf(row);
  const { payload, created, submitter, deadline, expires, now, traced } = row;
  const scheduled = core.runs.at(-1)?.scheduled;
  const traceparent = traced?.tags?.["traceparent"];
  return {
    task: {
      ...{ taskId, runId: core.runs.length - 1, payload, priority, created, deadline, expires },
      name: row.name ?? undefined,
      ...(scheduled === undefined ? {} : { scheduled }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(submitter === null ? {} : { submitter }),
    },
    job,
    askedAtMs,
    untilDeadlineMs: deadline.getTime() - now.getTime(),
  };
}
