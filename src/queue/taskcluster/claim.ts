/**
 * One run that Taskcluster gave us.
 *
 *   held ──resolve()──▶ resolved
 *     └── 409 | status of the task | lease over ──▶ lost
 *
 * The queue does not call: that a task was canceled shows in its status, for which it is asked now and then, and in
 * the refusal of whatever is asked next. *Owns* the timers, which end with the run or by {@link TaskclusterClaim.stop}.
 */
import { type Cancellation, codeOf, messageOf } from "../../base/errors.ts";
import type { ArtifactDestination, Claim, ClaimedTask, Resolution } from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { ClaimAnswer, RunStatus } from "./answers.ts";
import type { TaskclusterApi } from "./api.ts";
import { TaskclusterArtifacts } from "./artifacts.ts";
import { Lease } from "./lease.ts";
import { cancellation, lossOf } from "./loss.ts";
import { DEFAULT_TIMEOUTS, type TaskclusterOptions } from "./options.ts";
import { type Report, reportOf } from "./report.ts";
import { RunApi } from "./run-api.ts";
import { ServerClock } from "./server-clock.ts";
import { StatusWatch } from "./status-watch.ts";

export interface ClaimContext {
  readonly api: TaskclusterApi;
  readonly options: TaskclusterOptions;
  /** Called once: the run is not ours any more. */
  readonly onEnd: (claim: TaskclusterClaim) => void;
}

interface Doubt {
  readonly run: RunStatus | undefined;
  /** Undefined: the run is over because we said so. */
  readonly loss: Cancellation | undefined;
}

/** Codes of answers after which only the status of the task can tell what became of the run. */
const DOUBTFUL: ReadonlySet<string | undefined> = new Set([
  "queue-conflict",
  "queue-not-found",
  "queue-credentials-refused",
]);

export class TaskclusterClaim implements Claim {
  readonly task: ClaimedTask;
  /** What the task itself may do: whatever acts for the guest must be restricted to it (`authorizedScopes`). */
  readonly scopes: readonly string[];
  readonly artifacts: ArtifactDestination;
  readonly #run: RunApi;
  readonly #clock: ServerClock;
  readonly #lease: Lease;
  readonly #watch: StatusWatch;
  readonly #context: ClaimContext;
  readonly #lost = new AbortController();
  /** What the queue was told last, whether or not it has heard it. */
  #told: Report | undefined;
  #reported: Report | undefined;
  #mayAskStatus = true;

  constructor(answer: ClaimAnswer, context: ClaimContext) {
    const { api, options } = context;
    const { scopes, ...task } = answer.task;
    this.task = { taskId: answer.taskId, runId: answer.runId, ...task };
    this.scopes = scopes;
    this.#context = context;
    this.#clock = new ServerClock(answer.started ?? new Date());
    this.#run = new RunApi(api, answer, options.credentials);
    this.#lease = new Lease(this.#clock, answer.takenUntil, () => this.#lose(cancellation("claim-expired")));
    this.#watch = new StatusWatch(options.statusPollMs, () => this.#look());
    this.artifacts = this.#openArtifacts();
  }

  get takenUntil(): Date {
    return this.#clock.toLocal(this.#run.takenUntil);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async renew(signal?: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    try {
      await this.#run.reclaim(signal);
      if (!this.#isOver) this.#lease.extend(this.#run.takenUntil);
    } catch (error) {
      signal?.throwIfAborted();
      const doubt = await this.#doubt(error, signal);
      if (doubt?.loss !== undefined) this.#lose(doubt.loss);
      else if (doubt === undefined && !this.lost.aborted) throw error;
    }
  }

  async resolve(resolution: Resolution, signal?: AbortSignal): Promise<void> {
    if (this.lost.aborted) return;
    const report = reportOf(resolution);
    if (report === undefined) return this.stop();
    if (this.#reported !== undefined) return this.#requireSame(this.#reported, report);
    this.#told = report;
    try {
      await this.#run.report(report, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const doubt = await this.#doubt(error, signal);
      if (doubt === undefined) throw error;
      if (doubt.loss !== undefined) return this.#loseTo(doubt.loss, doubt.run, report);
    }
    this.#reported = report;
    this.stop();
  }

  /** Ends the timers, and tells nobody but {@link ClaimContext.onEnd}. */
  stop(): void {
    this.#lease[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
    this.#context.onEnd(this);
  }

  get #isOver(): boolean {
    return this.lost.aborted || this.#reported !== undefined;
  }

  #openArtifacts(): ArtifactDestination {
    const { api, options } = this.#context;
    const run = this.#run;
    const guard = <T>(work: Promise<T>, signal: AbortSignal) => this.#guardArtifact(work, signal);
    const silenceMs = options.timeouts?.storeSilenceMs ?? DEFAULT_TIMEOUTS.storeSilenceMs;
    return new TaskclusterArtifacts(
      api,
      {
        expires: this.task.expires,
        lost: this.lost,
        createArtifact: (name, body, parse, signal) => guard(run.createArtifact(name, body, parse, signal), signal),
        finishArtifact: (name, body, signal) => guard(run.finishArtifact(name, body, signal), signal),
      },
      { storage: options.artifactStorage, silenceMs },
    );
  }

  /** A conflict may mean that the run is over, or that the task has made an artifact of that name itself. */
  async #guardArtifact<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work;
    } catch (error) {
      signal.throwIfAborted();
      if (DOUBTFUL.has(codeOf(error)) && !this.#isOver) {
        const loss = this.#lossBy(await this.#tryStatus(signal), this.#times());
        if (loss !== undefined) this.#lose(loss);
      }
      throw this.lost.aborted ? this.lost.reason : error;
    }
  }

  /** What became of the run, if `error` leaves doubt that it is ours; undefined: it is, and the error stands. */
  async #doubt(error: unknown, signal: AbortSignal | undefined): Promise<Doubt | undefined> {
    const code = codeOf(error);
    if (!DOUBTFUL.has(code)) return undefined;
    const run = await this.#tryStatus(signal);
    const loss = this.#lossBy(run, this.#times());
    if (loss !== undefined || this.#isOurs(run)) return { run, loss };
    if (code === "queue-credentials-refused") return undefined;
    return { run, loss: cancellation("canceled", `the run is over: ${messageOf(error)}`) };
  }

  #times() {
    const leaseEnded = this.#clock.remainingMs(this.#run.takenUntil) <= 0;
    return { leaseEnded, deadlinePassed: this.#clock.remainingMs(this.task.deadline) <= 0 };
  }

  async #tryStatus(signal: AbortSignal | undefined): Promise<RunStatus | undefined> {
    try {
      return await this.#run.status(signal);
    } catch (error) {
      signal?.throwIfAborted();
      this.#noteBlindness(error);
      return undefined;
    }
  }

  /** One look at the status of the task. */
  async #look(): Promise<void> {
    const deadline = this.#times().deadlinePassed ? cancellation("deadline-exceeded") : undefined;
    const loss = deadline ?? (this.#mayAskStatus ? this.#lossBy(await this.#tryStatus(undefined)) : undefined);
    if (loss !== undefined) this.#lose(loss);
  }

  /** By its status; what we have told the queue ourselves is no loss, though its answer may still be on the way. */
  #lossBy(run: RunStatus | undefined, times = { leaseEnded: false, deadlinePassed: false }): Cancellation | undefined {
    return this.#isOurs(run) ? undefined : lossOf({ run, ...times });
  }

  #isOurs(run: RunStatus | undefined): boolean {
    return run !== undefined && this.#told !== undefined && run.reasonResolved === this.#told.reason;
  }

  #noteBlindness(error: unknown): void {
    const { logger } = this.#context.options;
    const fields = { taskId: this.task.taskId, runId: this.task.runId };
    const isForbidden = codeOf(error) === "queue-credentials-refused";
    if (isForbidden && this.#mayAskStatus) {
      this.#mayAskStatus = false;
      const message = "canceled tasks are noticed only when their lease is renewed; give the worker queue:status:*";
      logger.log("warn", `${message}: ${messageOf(error)}`, fields);
    } else if (!isForbidden) {
      logger.log("debug", `the status of the task is not known: ${messageOf(error)}`, fields);
    }
  }

  #lose(loss: Cancellation): void {
    if (this.#isOver) return;
    this.#lost.abort(loss);
    this.stop();
  }

  /** Somebody was faster than our report. @throws {QueueError} unless it is the queue's own decision. */
  #loseTo(loss: Cancellation, run: RunStatus | undefined, report: Report): void {
    this.#lose(loss);
    const resolved = run?.reasonResolved;
    if (resolved !== undefined && resolved !== loss.reason) throw this.#resolvedAlready(resolved, report);
  }

  #requireSame(first: Report, second: Report): void {
    if (first.reason !== second.reason) throw this.#resolvedAlready(first.reason, second);
  }

  #resolvedAlready(first: string, { reason }: Report): QueueError {
    const { taskId, runId } = this.task;
    const message = `run ${runId} of task ${taskId} is resolved as ${first}, and cannot become ${reason}: a run ends once`;
    return new QueueError("run-resolved-already", message, {
      blame: "worker",
      details: { taskId, runId, first, reason },
    });
  }
}
