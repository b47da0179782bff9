/**
 * Claims tasks from a Taskcluster deployment.
 *
 *   claim() ──▶ long poll ──▶ claims
 *                  └── aborted meanwhile: what the poll still brings is given back as worker-shutdown
 *
 * A poll is never cut: a task that the queue gives away at that moment would be lost until its lease ends. *Owns* the
 * claims until they are resolved or lost; disposal gives back what comes, and forgets what is left.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Cancellation, messageOf } from "../../base/errors.ts";
import type { Claim, QueueDriver } from "../driver.ts";
import type { QueueArtifacts } from "../queue-artifacts.ts";
import { type ClaimAnswer, parseClaims } from "./answers.ts";
import { TaskclusterApi } from "./api.ts";
import { TaskclusterClaim } from "./claim.ts";
import { TaskclusterLocator } from "./located-artifacts.ts";
import { DEFAULT_TIMEOUTS, type TaskclusterOptions } from "./options.ts";
import { RunApi } from "./run-api.ts";

/** The most that the API allows. */
const MAX_CLAIMS = 32;

/** Before each attempt to give a claim back, in ms. */
const GIVE_BACK_PAUSES_MS = [0, 500, 2_000];

export class TaskclusterQueue implements QueueDriver {
  readonly description: string;
  /** Artifacts, as the worker itself may have them. */
  readonly origin: QueueArtifacts;
  readonly #options: TaskclusterOptions;
  readonly #api: TaskclusterApi;
  readonly #claims = new Set<TaskclusterClaim>();
  readonly #polls = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  private constructor(options: TaskclusterOptions, api: TaskclusterApi) {
    this.#options = options;
    this.#api = api;
    this.origin = new TaskclusterLocator(api, () => options);
    this.description = `Taskcluster at ${api.rootUrl}, task queue ${options.taskQueueId}`;
  }

  static async open(options: TaskclusterOptions): Promise<TaskclusterQueue> {
    const timeoutMs = options.timeouts?.requestMs ?? DEFAULT_TIMEOUTS.requestMs;
    return new TaskclusterQueue(options, await TaskclusterApi.open({ rootUrl: options.rootUrl, timeoutMs }));
  }

  /** @throws as the port says; once aborted, not before the poll has ended, which takes up to 20 s. */
  async claim(count: number, signal: AbortSignal): Promise<Claim[]> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    if (count < 1) return [];
    const poll = this.#poll(Math.min(count, MAX_CLAIMS), AbortSignal.any([signal, this.#closing.signal]));
    this.#polls.add(poll);
    try {
      return await poll;
    } finally {
      this.#polls.delete(poll);
    }
  }

  async #poll(tasks: number, aborted: AbortSignal): Promise<Claim[]> {
    const answers = await this.#claimWork(tasks).catch((error: unknown) => {
      aborted.throwIfAborted();
      throw error;
    });
    if (!aborted.aborted) return answers.map((answer) => this.#hold(answer));
    await Promise.all(answers.map((answer) => this.#giveBack(answer)));
    throw aborted.reason;
  }

  #claimWork(tasks: number): Promise<ClaimAnswer[]> {
    const { credentials, taskQueueId, workerGroup, workerId, timeouts } = this.#options;
    const timeoutMs = timeouts?.claimMs ?? DEFAULT_TIMEOUTS.claimMs;
    const options = { call: "claimWork", credentials, parse: parseClaims, refusalBlame: "host", timeoutMs } as const;
    return this.#api.queue(options, (queue) => queue.claimWork(taskQueueId, { workerGroup, workerId, tasks }));
  }

  #hold(answer: ClaimAnswer): Claim {
    const onEnd = (claim: TaskclusterClaim) => this.#claims.delete(claim);
    const claim = new TaskclusterClaim(answer, { api: this.#api, options: this.#options, onEnd });
    this.#claims.add(claim);
    return claim;
  }

  async #giveBack(answer: ClaimAnswer): Promise<void> {
    const run = new RunApi(this.#api, answer, this.#options.credentials);
    const { logger } = this.#options;
    for (const pauseMs of GIVE_BACK_PAUSES_MS) {
      await delay(pauseMs);
      try {
        return await run.report({ kind: "exception", reason: "worker-shutdown" }, undefined);
      } catch (error) {
        const until = answer.takenUntil.toISOString();
        const message = `a claimed task could not be given back, and is held until ${until}: ${messageOf(error)}`;
        logger.log("warn", message, { taskId: answer.taskId, runId: answer.runId });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Cancellation("worker-shutdown", "the queue was closed"));
    await Promise.allSettled(this.#polls);
    for (const claim of [...this.#claims]) claim.stop();
    await this.#api[Symbol.asyncDispose]();
  }
}
