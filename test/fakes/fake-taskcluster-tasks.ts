/** The tasks of the fake queue: runs, leases that end, deadlines, retries, priorities. Times are the queue's own. */
import { randomBytes } from "node:crypto";
import { PRIORITIES } from "../../src/queue/task.ts";

export interface FakeTaskDefinition {
  payload?: unknown;
  priority?: string;
  scopes?: string[];
  name?: string;
  tags?: Readonly<Record<string, string>>;
  retries?: number;
  deadlineMs?: number;
  expiresMs?: number;
  /** Ids of tasks that must complete first. */
  dependencies?: string[];
  requires?: "all-completed" | "all-resolved";
  taskQueueId?: string;
}

export interface FakeRun {
  state: "pending" | "running" | "completed" | "failed" | "exception";
  reasonCreated: "scheduled" | "retry" | "task-retry" | "rerun";
  reasonResolved?: string;
  workerGroup?: string;
  workerId?: string;
  takenUntil?: Date;
  scheduled: Date;
  started?: Date;
  resolved?: Date;
  timer?: NodeJS.Timeout;
}

export interface FakeTask {
  readonly taskId: string;
  readonly taskQueueId: string;
  readonly payload: unknown;
  readonly priority: string;
  readonly scopes: readonly string[];
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly created: Date;
  readonly deadline: Date;
  readonly expires: Date;
  readonly dependencies: readonly string[];
  readonly requires: "all-completed" | "all-resolved";
  readonly retries: number;
  retriesLeft: number;
  readonly runs: FakeRun[];
}

/** Resolutions after which there is a new run, while retries are left. */
const RETRIED: Readonly<Record<string, "retry" | "task-retry">> = {
  "worker-shutdown": "retry",
  "claim-expired": "retry",
  "intermittent-task": "task-retry",
};

export class FakeTasks {
  readonly all = new Map<string, FakeTask>();
  readonly #now: () => Date;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #waiting = new Set<() => void>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  add(definition: FakeTaskDefinition, taskId = randomBytes(16).toString("base64url")): FakeTask {
    const created = this.#now();
    const after = (ms: number) => new Date(created.getTime() + ms);
    const deadline = after(definition.deadlineMs ?? 3_600_000);
    const task: FakeTask = {
      taskId,
      taskQueueId: definition.taskQueueId ?? "proj/machines",
      payload: definition.payload ?? {},
      priority: definition.priority ?? "lowest",
      scopes: definition.scopes ?? [],
      name: definition.name ?? "a task",
      tags: definition.tags ?? {},
      created,
      deadline,
      expires: after(definition.expiresMs ?? 86_400_000),
      dependencies: definition.dependencies ?? [],
      requires: definition.requires ?? "all-completed",
      retries: definition.retries ?? 5,
      retriesLeft: definition.retries ?? 5,
      runs: [],
    };
    this.all.set(taskId, task);
    this.#after(deadline.getTime() - created.getTime(), () => this.end(task, "deadline-exceeded"));
    this.#schedule(task);
    return task;
  }

  /** Those that wait for a worker, in the order in which they are claimed. */
  pending(taskQueueId: string): FakeTask[] {
    const rank = ({ priority }: FakeTask) => (PRIORITIES as readonly string[]).indexOf(priority);
    return [...this.all.values()]
      .filter((task) => task.taskQueueId === taskQueueId && task.runs.at(-1)?.state === "pending")
      .sort((a, b) => rank(a) - rank(b));
  }

  claim(task: FakeTask, worker: { workerGroup: string; workerId: string }, leaseMs: number): FakeRun {
    const run = lastRun(task);
    Object.assign(run, { ...worker, state: "running", started: this.#now() });
    this.extend(task, run, leaseMs);
    return run;
  }

  extend(task: FakeTask, run: FakeRun, leaseMs: number): Date {
    clearTimeout(run.timer);
    run.takenUntil = new Date(this.#now().getTime() + leaseMs);
    run.timer = this.#after(leaseMs, () => this.resolve(task, run, "exception", "claim-expired"));
    return run.takenUntil;
  }

  /** False if the run has ended in another way. */
  resolve(task: FakeTask, run: FakeRun, state: "completed" | "failed" | "exception", reason: string): boolean {
    if (run.state !== "running") return run.state === state && run.reasonResolved === reason;
    clearTimeout(run.timer);
    Object.assign(run, { state, reasonResolved: reason, resolved: this.#now() });
    const reasonCreated = RETRIED[reason];
    if (reasonCreated !== undefined && task.retriesLeft > 0) {
      task.retriesLeft--;
      this.#addRun(task, reasonCreated);
    }
    for (const other of this.all.values()) this.#schedule(other);
    this.#wake();
    return true;
  }

  /** As when somebody cancels it, or its deadline passes. */
  end(task: FakeTask, reason: "canceled" | "deadline-exceeded" | "superseded"): void {
    if (task.runs.length === 0) this.#addRun(task, "scheduled");
    const run = lastRun(task);
    if (run.state === "pending") run.state = "running";
    this.resolve(task, run, "exception", reason);
  }

  rerun(task: FakeTask): void {
    task.retriesLeft = task.retries;
    this.#addRun(task, "rerun");
  }

  /** Resolves when a run has ended. */
  async ended(run: FakeRun): Promise<void> {
    while (run.resolved === undefined) await this.change(60_000, new Promise(() => {}));
  }

  /** Resolves as soon as something changes, or after `ms`. */
  async change(ms: number, closed: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const timer = this.#after(ms, resolve);
    await Promise.race([promise, closed]);
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#wake();
  }

  #schedule(task: FakeTask): void {
    const done = (id: string) => {
      const state = this.all.get(id)?.runs.at(-1)?.state;
      return (
        state === "completed" || (task.requires === "all-resolved" && (state === "failed" || state === "exception"))
      );
    };
    if (task.runs.length === 0 && task.dependencies.every(done)) this.#addRun(task, "scheduled");
  }

  #addRun(task: FakeTask, reasonCreated: FakeRun["reasonCreated"]): void {
    task.runs.push({ state: "pending", reasonCreated, scheduled: this.#now() });
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #after(ms: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    this.#timers.add(timer);
    return timer;
  }
}

export function lastRun(task: FakeTask): FakeRun {
  const run = task.runs.at(-1);
  if (run === undefined) throw new Error(`task ${task.taskId} has no run`);
  return run;
}

export function statusOf(task: FakeTask) {
  const runs = task.runs.map(({ timer: _timer, ...run }, runId) => ({ runId, ...run }));
  const { taskId, taskQueueId, deadline, expires, retriesLeft } = task;
  return { taskId, taskQueueId, deadline, expires, retriesLeft, state: runs.at(-1)?.state ?? "unscheduled", runs };
}
