/** A queue in this process: hands out what a test puts into it, and remembers what it is told. */
import { orAborted } from "../../src/base/abort.ts";
import { Cancellation } from "../../src/base/errors.ts";
import type { Claim, ErrorArtifact, FileArtifact, QueueDriver, Resolution } from "../../src/queue/driver.ts";
import { QueueError } from "../../src/queue/errors.ts";

const LEASE_MS = 60_000;

export class FakeClaim implements Claim {
  readonly task: Claim["task"];
  readonly resolutions: Resolution[] = [];
  readonly put: (FileArtifact | ErrorArtifact)[] = [];
  readonly artifacts: Claim["artifacts"];
  /** What the next answers of the queue are; undefined: all is well. */
  readonly refusals: unknown[] = [];
  renewals = 0;
  leaseMs: number;
  takenUntil: Date;
  readonly #lost = new AbortController();
  readonly #told = Promise.withResolvers<Resolution>();

  constructor(payload: unknown, { leaseMs = LEASE_MS, deadlineMs = 3_600_000, taskId = "a-task" } = {}) {
    const now = Date.now();
    this.leaseMs = leaseMs;
    this.takenUntil = new Date(now + leaseMs);
    this.task = {
      taskId,
      runId: 0,
      payload,
      priority: "medium",
      created: new Date(now),
      deadline: new Date(now + deadlineMs),
      expires: new Date(now + deadlineMs),
      name: undefined,
    };
    this.artifacts = {
      putFile: async (artifact) => void this.put.push(artifact),
      putError: async (artifact) => void this.put.push(artifact),
    };
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The queue has been told how the run ended. */
  get told(): Promise<Resolution> {
    return this.#told.promise;
  }

  lose(reason: Cancellation["reason"]): void {
    this.#lost.abort(new Cancellation(reason, `the run is over: ${reason}`));
  }

  async renew(): Promise<void> {
    this.renewals++;
    this.#answer();
    this.takenUntil = new Date(Date.now() + this.leaseMs);
  }

  async resolve(resolution: Resolution): Promise<void> {
    this.#answer();
    if (this.lost.aborted) return;
    this.resolutions.push(resolution);
    this.#told.resolve(resolution);
  }

  #answer(): void {
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
  }
}

export class FakeQueue implements QueueDriver {
  readonly description = "a fake queue";
  /** How many were asked for, each time. */
  readonly questions: number[] = [];
  /** What the next questions are answered with instead of tasks. */
  readonly refusals: unknown[] = [];
  readonly #waiting: FakeClaim[] = [];
  #arrival = Promise.withResolvers<void>();
  #asked = Promise.withResolvers<void>();

  add(...claims: readonly FakeClaim[]): void {
    this.#waiting.push(...claims);
    this.#arrival.resolve();
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** The queue is asked for tasks the next time. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  async claim(count: number, signal: AbortSignal): Promise<Claim[]> {
    this.questions.push(count);
    this.#asked.resolve();
    this.#asked = Promise.withResolvers<void>();
    signal.throwIfAborted();
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
    while (this.#waiting.length === 0) {
      await orAborted(this.#arrival.promise, signal);
      if (this.#waiting.length === 0) this.#arrival = Promise.withResolvers<void>();
    }
    return this.#waiting.splice(0, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export function unreachable(): QueueError {
  return new QueueError("queue-unreachable", "the queue does not answer", { blame: "upstream" });
}
