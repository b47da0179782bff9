/**
 * One claimed run of a task, from its claim to what the queue is told: does what {@link transition} says.
 *
 * *Owns* its timers and, while it lasts, the claim; what runs the task and keeps its artifacts is given. Whatever goes
 * wrong is the end of this run, never of the worker.
 */
import { setTimeout as after } from "node:timers/promises";
import { Cancellation, messageOf, WorkerError } from "../base/errors.ts";
import type { Claim, Resolution } from "../queue/driver.ts";
import { keepClaim } from "./renewal.ts";
import { BEGIN, type RunEffect, type RunEnding, type RunEvent, type RunState, transition } from "./run-state.ts";

/** How a claimed task is run. None of it rejects for a reason of the task. */
export interface RunSteps {
  /** Runs it; when this settles its machine is gone. */
  execute(signal: AbortSignal): Promise<Resolution>;
  /** Keeps what has come of it; resolves with another resolution where that cannot be. */
  publish(resolution: Resolution, signal: AbortSignal): Promise<Resolution | undefined>;
  /** A line of the worker in the log of the task. */
  note(text: string): void;
}

const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;
/** What there is of a run that was stopped is kept if that is a matter of seconds: its worker, or its host, goes. */
const PUBLISH_STOPPED_MS = 30_000;
const TELL_STOPPED_MS = 30_000;
const MAX_REFUSALS = 3;

export class ClaimedRun {
  readonly claim: Claim;
  /** Never rejects; nothing of the run is left then. */
  readonly done: Promise<RunEnding>;
  readonly #steps: RunSteps;
  readonly #over = new AbortController();
  readonly #done = Promise.withResolvers<RunEnding>();
  #state: RunState = BEGIN;
  /** Of what goes on for the run at present. */
  #activity = new AbortController();
  #working: Promise<unknown> = Promise.resolve();
  #stopped: Cancellation | undefined;
  #patience: NodeJS.Timeout | undefined;

  private constructor(claim: Claim, steps: RunSteps) {
    this.claim = claim;
    this.#steps = steps;
    this.done = this.#done.promise;
  }

  static start(claim: Claim, steps: RunSteps): ClaimedRun {
    const run = new ClaimedRun(claim, steps);
    run.#begin();
    return run;
  }

  get state(): RunState["kind"] {
    return this.#state.kind;
  }

  /** Ends it as soon as may be, because the worker stops. The deadline is the queue's affair, whose clock counts. */
  stop(why: Cancellation): void {
    this.#stopped = why;
    this.#dispatch({ kind: "stop", why });
  }

  #begin(): void {
    const { claim } = this;
    const over = this.#over.signal;
    const onLost = () => this.#dispatch({ kind: "lost", why: lossOf(claim.lost) });
    over.addEventListener("abort", () => {
      clearTimeout(this.#patience);
      claim.lost.removeEventListener("abort", onLost);
    });
    if (claim.lost.aborted) queueMicrotask(onLost);
    claim.lost.addEventListener("abort", onLost);
    const note = (text: string) => this.#steps.note(text);
    void keepClaim(claim, { onExpired: (why) => this.#dispatch({ kind: "lost", why }), note, signal: over });
    this.#working = this.#execute(this.#activity.signal);
  }

  #stopAgain(why: Cancellation): void {
    this.#patience = setTimeout(() => this.#dispatch({ kind: "stop", why }), PUBLISH_STOPPED_MS);
  }

  #dispatch(event: RunEvent): void {
    const { state, effects } = transition(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (state.kind !== "over" || this.#over.signal.aborted) return;
    this.#over.abort();
    const { end } = state;
    void this.#working.then(() => this.#done.resolve(end));
  }

  #carryOut(effect: RunEffect): void {
    switch (effect.kind) {
      case "abort":
        this.#activity.abort(effect.why);
        this.#activity = new AbortController();
        return;
      case "publish":
        if (this.#stopped !== undefined) this.#stopAgain(this.#stopped);
        this.#working = Promise.all([this.#working, this.#publish(this.#activity.signal)]);
        return;
      case "resolve":
        void this.#tell(effect.resolution);
    }
  }

  async #execute(signal: AbortSignal): Promise<void> {
    let resolution: Resolution;
    try {
      resolution = await this.#steps.execute(signal);
    } catch (error) {
      resolution = internalError(error);
    }
    this.#dispatch({ kind: "ran", resolution });
  }

  async #publish(signal: AbortSignal): Promise<void> {
    if (this.#state.kind !== "publishing") return;
    let instead: Resolution | undefined;
    try {
      instead = await this.#steps.publish(this.#state.resolution, signal);
    } catch (error) {
      instead = internalError(error);
    }
    // Who ended it has said what comes next.
    if (signal.aborted) return;
    this.#dispatch(instead === undefined ? { kind: "published" } : { kind: "unpublishable", resolution: instead });
  }

  /** As often as it takes, while the claim can be kept, the queue may change its mind, and the worker has time. */
  async #tell(resolution: Resolution): Promise<void> {
    const over = this.#over.signal;
    let refusals = 0;
    let stoppedSinceMs: number | undefined;
    for (let waitMs = MIN_RETRY_MS; !over.aborted; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
      try {
        await this.claim.resolve(resolution, over);
        this.#dispatch({ kind: "told" });
        return;
      } catch (error) {
        if (over.aborted) return;
        this.#steps.note(`warning: the queue cannot be told how the task ended: ${messageOf(error)}`);
        if (isRefusal(error)) refusals++;
        if (this.#stopped !== undefined) stoppedSinceMs ??= performance.now();
        const hasTime = stoppedSinceMs === undefined || performance.now() - stoppedSinceMs < TELL_STOPPED_MS;
        if (refusals >= MAX_REFUSALS || !hasTime) {
          const message = "the queue could not be told how the task ended; it is run again when its lease is over";
          this.#dispatch({ kind: "lost", why: new Cancellation("claim-expired", message) });
          return;
        }
        await after(waitMs * (0.5 + Math.random() / 2), undefined, { signal: over }).catch(() => {});
      }
    }
  }
}

/** The queue was asked, and does not want to hear it. */
function isRefusal(error: unknown): boolean {
  return error instanceof WorkerError && error.blame !== "upstream";
}

function internalError(error: unknown): Resolution {
  return { kind: "exception", reason: "internal-error", message: messageOf(error) };
}

function lossOf({ reason }: AbortSignal): Cancellation {
  return reason instanceof Cancellation ? reason : new Cancellation("claim-expired", messageOf(reason));
}
