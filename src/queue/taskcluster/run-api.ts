/** The requests that concern one run, made with the newest credentials the queue gave for it. */
import type { Blame } from "../../base/errors.ts";
import { type ClaimAnswer, parseReclaim, parseRunStatus, type ReclaimAnswer, type RunStatus } from "./answers.ts";
import { ignoreAnswer, requireAnswer, type TaskclusterApi } from "./api.ts";
import type { Credentials } from "./options.ts";
import type { Report } from "./report.ts";

export class RunApi {
  readonly taskId: string;
  readonly runId: number;
  readonly #api: TaskclusterApi;
  readonly #workerCredentials: Credentials;
  #credentials: Credentials;
  #takenUntil: Date;

  /** @param workerCredentials Those of a task do not allow to ask for its status, in most deployments. */
  constructor(api: TaskclusterApi, claim: ClaimAnswer, workerCredentials: Credentials) {
    this.#api = api;
    this.#workerCredentials = workerCredentials;
    this.#credentials = claim.credentials;
    this.#takenUntil = claim.takenUntil;
    this.taskId = claim.taskId;
    this.runId = claim.runId;
  }

  /** By the queue's clock. */
  get takenUntil(): Date {
    return this.#takenUntil;
  }

  /** Credentials change with it. */
  async reclaim(signal: AbortSignal | undefined): Promise<void> {
    const options = this.#options("reclaimTask", "worker", signal);
    const answer: ReclaimAnswer = await this.#api.queue({ ...options, parse: parseReclaim }, (queue) =>
      queue.reclaimTask(this.taskId, String(this.runId)),
    );
    // Two may overlap; the credentials that last longer are the newer ones.
    if (answer.takenUntil < this.#takenUntil) return;
    this.#takenUntil = answer.takenUntil;
    this.#credentials = answer.credentials;
  }

  async report({ kind, reason }: Report, signal: AbortSignal | undefined): Promise<void> {
    const [task, run] = [this.taskId, String(this.runId)];
    if (kind === "completed") {
      const options = this.#options("reportCompleted", "worker", signal);
      return await this.#api.queue({ ...options, parse: requireAnswer }, (queue) => queue.reportCompleted(task, run));
    }
    if (kind === "failed") {
      const options = this.#options("reportFailed", "worker", signal);
      return await this.#api.queue({ ...options, parse: requireAnswer }, (queue) => queue.reportFailed(task, run));
    }
    const options = this.#options("reportException", "worker", signal);
    await this.#api.queue({ ...options, parse: requireAnswer }, (queue) =>
      queue.reportException(task, run, { reason }),
    );
  }

  /** Undefined if the task has no such run. */
  async status(signal?: AbortSignal): Promise<RunStatus | undefined> {
    const parse = (answer: unknown) => parseRunStatus(answer, this.runId);
    const options = { ...this.#options("status", "host", signal), credentials: this.#workerCredentials };
    return await this.#api.queue({ ...options, parse }, (queue) => queue.status(this.taskId));
  }

  /** The newest the queue gave for the task. */
  get credentials(): Credentials {
    return this.#credentials;
  }

  async createArtifact<T>(name: string, body: object, parse: (answer: unknown) => T, signal: AbortSignal): Promise<T> {
    const options = this.#options("createArtifact", "task", signal);
    const parseAnswer = (answer: unknown) => {
      requireAnswer(answer);
      return parse(answer);
    };
    return await this.#api.queue({ ...options, parse: parseAnswer }, (queue) =>
      queue.createArtifact(this.taskId, String(this.runId), name, body),
    );
  }

  async finishArtifact(name: string, body: object, signal: AbortSignal): Promise<void> {
    const options = this.#options("finishArtifact", "task", signal);
    await this.#api.queue({ ...options, parse: ignoreAnswer }, (queue) =>
      queue.finishArtifact(this.taskId, String(this.runId), name, body),
    );
  }

  #options(call: string, refusalBlame: Blame, signal: AbortSignal | undefined) {
    return { call, refusalBlame, signal, credentials: this.#credentials };
  }
}
