/** Finds out what became of a run, of which the queue only says that it does not take what it is asked. */
import { type Cancellation, codeOf, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { RunStatus } from "./answers.ts";
import { cancellation, lossOf } from "./loss.ts";
import type { Report } from "./report.ts";
import type { RunApi } from "./run-api.ts";
import type { ServerClock } from "./server-clock.ts";

/** Undefined: the run may well be ours, and the error stands. */
export type Verdict = { readonly run: RunStatus | undefined; readonly loss: Cancellation | undefined } | undefined;

export interface RunFateOptions {
  readonly run: RunApi;
  readonly clock: ServerClock;
  readonly deadline: Date;
  readonly logger: Logger;
}

/** Codes of answers after which only the status of the task can tell. */
const DOUBTFUL: ReadonlySet<string | undefined> = new Set([
  "queue-conflict",
  "queue-not-found",
  "queue-credentials-refused",
]);

export class RunFate {
  /** What the queue was told last, whether or not it has heard it. */
  told: Report | undefined;
  readonly #run: RunApi;
  readonly #clock: ServerClock;
  readonly #deadline: Date;
  readonly #logger: Logger;
  #mayAskStatus = true;

  constructor({ run, clock, deadline, logger }: RunFateOptions) {
    this.#run = run;
    this.#clock = clock;
    this.#deadline = deadline;
    this.#logger = logger;
  }

  /** After `error` said that the run cannot be renewed or resolved. `loss` is undefined if it ended as we told it to. */
  async afterRefusal(error: unknown, signal: AbortSignal | undefined): Promise<Verdict> {
    const code = codeOf(error);
    if (!DOUBTFUL.has(code)) return undefined;
    const run = await this.#tryStatus(signal);
    const loss = this.#lossBy(run);
    if (loss !== undefined || this.#isOurs(run)) return { run, loss };
    if (code === "queue-credentials-refused") return undefined;
    return { run, loss: cancellation("canceled", `the run is over: ${messageOf(error)}`) };
  }

  /** After `error` said that an artifact is not taken, for which there are other reasons than the end of the run. */
  async afterArtifact(error: unknown, signal: AbortSignal): Promise<Cancellation | undefined> {
    return DOUBTFUL.has(codeOf(error)) ? this.#lossBy(await this.#tryStatus(signal)) : undefined;
  }

  /** One look, without a reason. The lease has a timer of its own. */
  async look(): Promise<Cancellation | undefined> {
    if (this.#hasPassed(this.#deadline)) return cancellation("deadline-exceeded");
    return this.#mayAskStatus ? this.#lossBy(await this.#tryStatus(undefined)) : undefined;
  }

  /** What we have told the queue ourselves is no loss, though its answer may still be on the way. */
  #lossBy(run: RunStatus | undefined): Cancellation | undefined {
    if (this.#isOurs(run)) return undefined;
    const leaseEnded = this.#hasPassed(this.#run.takenUntil);
    return lossOf({ run, leaseEnded, deadlinePassed: this.#hasPassed(this.#deadline) });
  }

  #isOurs(run: RunStatus | undefined): boolean {
    return run !== undefined && this.told !== undefined && run.reasonResolved === this.told.reason;
  }

  #hasPassed(moment: Date): boolean {
    return this.#clock.remainingMs(moment) <= 0;
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

  #noteBlindness(error: unknown): void {
    const fields = { taskId: this.#run.taskId, runId: this.#run.runId };
    if (codeOf(error) !== "queue-credentials-refused") {
      this.#logger.log("debug", `the status of the task is not known: ${messageOf(error)}`, fields);
    } else if (this.#mayAskStatus) {
      this.#mayAskStatus = false;
      const message = "canceled tasks are noticed only when their lease is renewed; give the worker queue:status:*";
      this.#logger.log("warn", `${message}: ${messageOf(error)}`, fields);
    }
  }
}
