/**
 * One run that Taskcluster gave us.
 *
 *   held ──resolve()──▶ resolved
 *     └── 409 | status of the task | lease over ──▶ lost
 *
 * The queue does not call: that a task was canceled shows in its status, for which it is asked now and then, and in
 * the refusal of whatever is asked next. *Owns* the timers, which end with the run or by {@link TaskclusterClaim.stop}.
 */
import type { Cancellation } from "../../base/errors.ts";
import type { ArtifactDestination, Claim, ClaimedTask, Resolution } from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { QueueArtifacts } from "../queue-artifacts.ts";
import type { ClaimAnswer, RunStatus } from "./answers.ts";
import type { TaskclusterApi } from "./api.ts";
import { TaskclusterArtifacts } from "./artifacts.ts";
import { Lease } from "./lease.ts";
import { TaskclusterLocator } from "./located-artifacts.ts";
import { cancellation } from "./loss.ts";
import { DEFAULT_TIMEOUTS, type TaskclusterOptions } from "./options.ts";
import { type Report, reportOf } from "./report.ts";
import { RunApi } from "./run-api.ts";
import { RunFate } from "./run-fate.ts";
import { ServerClock } from "./server-clock.ts";
import { StatusWatch } from "./status-watch.ts";

export interface ClaimContext {
  readonly api: TaskclusterApi;
  readonly options: TaskclusterOptions;
  /** Called once: the run is not ours any more. */
  readonly onEnd: (claim: TaskclusterClaim) => void;
}

export class TaskclusterClaim implements Claim {
  readonly task: ClaimedTask;
  /** What the task itself may do: whatever acts for the guest must be restricted to it (`authorizedScopes`). */
  readonly scopes: readonly string[];
  readonly artifacts: ArtifactDestination;
  readonly origin: QueueArtifacts;
  readonly #run: RunApi;
  readonly #clock: ServerClock;
  readonly #lease: Lease;
  readonly #watch: StatusWatch;
  readonly #context: ClaimContext;
  readonly #lost = new AbortController();
  readonly #fate: RunFate;
  #reported: Report | undefined;

  constructor(answer: ClaimAnswer, context: ClaimContext) {
    const { api, options } = context;
    const { scopes, ...task } = answer.task;
    this.task = { taskId: answer.taskId, runId: answer.runId, scopes, ...task };
    this.scopes = scopes;
    this.#context = context;
    this.#clock = new ServerClock(answer.started ?? new Date());
    this.#run = new RunApi(api, answer, options.credentials);
    const { deadline } = this.task;
    this.#fate = new RunFate({ run: this.#run, clock: this.#clock, deadline, logger: options.logger });
    this.#lease = new Lease(this.#clock, answer.takenUntil, () => this.#lose(cancellation("claim-expired")));
    this.#watch = new StatusWatch(options.statusPollMs, () => this.#look());
    this.artifacts = this.#openArtifacts();
    this.origin = new TaskclusterLocator(api, () => ({ credentials: this.#run.credentials, scopes }));
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
      const verdict = await this.#fate.afterRefusal(error, signal);
      if (verdict?.loss !== undefined) this.#lose(verdict.loss);
      else if (verdict === undefined && !this.lost.aborted) throw error;
    }
  }

  async resolve(resolution: Resolution, signal?: AbortSignal): Promise<void> {
    if (this.lost.aborted) return;
    const report = reportOf(resolution);
    if (report === undefined) return this.stop();
    if (this.#reported !== undefined) return this.#requireSame(this.#reported, report);
    this.#fate.told = report;
    try {
      await this.#run.report(report, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const verdict = await this.#fate.afterRefusal(error, signal);
      if (verdict === undefined) throw error;
      if (verdict.loss !== undefined) return this.#loseTo(verdict.loss, verdict.run, report);
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
      const loss = this.#isOver ? undefined : await this.#fate.afterArtifact(error, signal);
      if (loss !== undefined) this.#lose(loss);
      throw this.lost.aborted ? this.lost.reason : error;
    }
  }

  async #look(): Promise<void> {
    const loss = await this.#fate.look();
    if (loss !== undefined) this.#lose(loss);
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
