/**
 * The worker: claims tasks while there is room, runs several at once, and ends without losing any.
 *
 *   claiming ⇄ full, waiting, paused ──drain()──▶ draining ──the last task is over──▶ stopped
 *                                                    └──stop(), time is over──▶ stopping ──▶┘
 *
 * *Owns* the runs it has claimed; *borrows* the queue and the host. Nothing that happens to a task stops it.
 */
import { Cancellation } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { formatDuration } from "../base/units.ts";
import type { Watchdog } from "../base/watchdog.ts";
import type { WorkerSettings } from "../config/worker-process.ts";
import type { LiveMachine } from "../feature/interactive/live-machine.ts";
import type { Claim, QueueDriver } from "../queue/driver.ts";
import type { Room } from "./capacity.ts";
import { ClaimGate, type MemoryTaker } from "./claim-gate.ts";
import { ClaimLoop } from "./claim-loop.ts";
import { ClaimedRun, type RunSteps } from "./claimed-run.ts";
import type { WorkerObserver } from "./observer.ts";
import type { RunEnding } from "./run-state.ts";
import type { RunningTask, WorkerState, WorkerStatus } from "./status.ts";
import type { Phase } from "./task-result.ts";

/** A claimed task on this host. */
export interface OpenedRun extends RunSteps, MemoryTaker {
  readonly phase: Phase | undefined;
  /** Its machine, while there is one. */
  readonly machine?: LiveMachine | undefined;
  /** What lines about it say beside the ids of the task. */
  readonly logFields?: Readonly<Record<string, string>>;
  /** Never rejects; what is kept of the run stays. */
  close(ending: RunEnding): Promise<void>;
}

export interface WorkerOptions {
  queue: QueueDriver;
  settings: WorkerSettings;
  /** Most memory of one machine. */
  maxMemoryMiB: number;
  /** What the host has left. */
  room: () => Promise<Room>;
  open: (claim: Claim) => OpenedRun;
  /** Machines that wait for a task. */
  pool?: { readonly size: number } | undefined;
  /** Of its machines' networks: the mode, and why it is this one. */
  network?: string;
  /** Hears whether the queue answers. */
  observer?: WorkerObserver | undefined;
  /** Something of the status has changed. */
  onChange?: () => void;
  logger?: Logger;
  /** Watches over the loop that claims, while there is one. */
  watchdog?: Watchdog;
}

interface Held {
  readonly run: ClaimedRun;
  readonly opened: OpenedRun;
  readonly since: Date;
  /** Its end shows whether the host is well again. */
  readonly isTrial: boolean;
}

type Mode = "claiming" | "paused" | "draining" | "stopping" | "stopped";

export class Worker {
  /** The worker has ended: no task is left. Never rejects. */
  readonly done: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #logger: Logger;
  readonly #gate: ClaimGate;
  readonly #startedAt = new Date();
  readonly #held = new Set<Held>();
  readonly #closing = new Set<Promise<void>>();
  readonly #byEnd: Record<string, number> = {};
  readonly #done = Promise.withResolvers<void>();
  #finished = 0;
  #mode: Mode = "claiming";
  /** Why it does not claim, where somebody said so. */
  #why: string | undefined;
  #idleSinceMs = performance.now();
  #loop: ClaimLoop | undefined;
  #loopEnd = new AbortController();
  #looping: Promise<unknown> = Promise.resolve();
  #patience: NodeJS.Timeout | undefined;
  /** When it is over, by the clock of `performance`. */
  #patienceEndMs = Number.POSITIVE_INFINITY;

  private constructor(options: WorkerOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#gate = new ClaimGate({ ...options, logger: this.#logger, onChange: () => this.#changed() });
    this.done = this.#done.promise;
  }

  static start(options: WorkerOptions): Worker {
    const worker = new Worker(options);
    worker.#startLoop();
    return worker;
  }

  /** One that claims nothing until {@link resume}. */
  static startPaused(options: WorkerOptions, why: string): Worker {
    const worker = new Worker(options);
    worker.#mode = "paused";
    worker.#why = why;
    return worker;
  }

  get status(): WorkerStatus {
    const { network, pool, queue, settings } = this.#options;
    const why = this.#whyNot();
    return {
      state: this.#stateNow(),
      ...(why === undefined ? {} : { why }),
      queue: queue.description,
      startedAt: this.#startedAt,
      capacity: settings.capacity,
      ...(network === undefined ? {} : { network }),
      ...(pool === undefined ? {} : { pooled: pool.size }),
      running: [...this.#held].map(describe),
      finished: { total: this.#finished, byEnd: { ...this.#byEnd } },
    };
  }

  /** Since when there is no task, by the clock of `performance`; undefined while there is one. */
  get idleSinceMs(): number | undefined {
    return this.#held.size > 0 ? undefined : this.#idleSinceMs;
  }

  /** Tasks claimed since the start, those that run included. */
  get claimed(): number {
    return this.#finished + this.#held.size;
  }

  /** Claims nothing more until {@link resume}; what runs goes on. */
  async pause(why: string): Promise<void> {
    if (this.#mode !== "claiming") return;
    this.#mode = "paused";
    this.#why = why;
    this.#logger.log("info", `paused: ${why}`);
    await this.#endLoop();
    this.#changed();
  }

  resume(): void {
    if (this.#mode !== "paused") return;
    this.#mode = "claiming";
    this.#why = undefined;
    this.#logger.log("info", "claims tasks");
    this.#startLoop();
    this.#changed();
  }

  /** There may be room on the host now. */
  reconsider(): void {
    this.#loop?.wake();
  }

  /**
   * Claims nothing more and ends with the last task; those that take longer than `timeoutMs` are stopped then. Who asks
   * again can only make that sooner.
   */
  drain(why: string, timeoutMs: number): void {
    if (this.#mode === "stopping" || this.#mode === "stopped") return;
    this.#stopAfter(why, timeoutMs);
    if (this.#mode === "draining") return;
    this.#mode = "draining";
    this.#why = why;
    const left = this.#held.size === 0 ? "no task is left" : `${this.#held.size} to finish`;
    this.#logger.log("info", `claims no more tasks: ${why}; ${left}`);
    void this.#endLoop().then(() => this.#endIfEmpty());
    this.#changed();
  }

  /** Stops what runs, now: the queue is told that the worker went away, and lets others run it again. */
  stop(why: string): void {
    if (this.#mode === "stopping" || this.#mode === "stopped") return;
    clearTimeout(this.#patience);
    this.#mode = "stopping";
    this.#why = why;
    this.#logger.log("warn", `stops its tasks: ${why}`);
    const cancellation = new Cancellation("worker-shutdown", `the worker was stopped: ${why}`);
    for (const { run } of this.#held) run.stop(cancellation);
    void this.#endLoop().then(() => this.#endIfEmpty());
    this.#changed();
  }

  #stopAfter(why: string, timeoutMs: number): void {
    const endMs = performance.now() + timeoutMs;
    if (endMs >= this.#patienceEndMs) return;
    this.#patienceEndMs = endMs;
    clearTimeout(this.#patience);
    const stop = () => this.stop(`${why}, and ${formatDuration(timeoutMs)} were not enough for its tasks`);
    this.#patience = setTimeout(stop, Math.min(timeoutMs, 2 ** 31 - 1));
  }

  #startLoop(): void {
    this.#loopEnd = new AbortController();
    const watched = this.#options.watchdog?.watch("claim loop", this.#options.settings.watchdog.stuckAfterMs);
    this.#loop = new ClaimLoop({
      queue: this.#options.queue,
      room: () =>
        this.#gate.room(
          [...this.#held].map(({ opened }) => opened),
          this.claimed,
        ),
      onClaim: (claim) => this.#take(claim),
      onAnswer: (error) => {
        this.#gate.noteAnswer(error);
        this.#options.observer?.queueAnswered?.(error);
      },
      logger: this.#logger,
      beat: () => watched?.beat(),
      signal: this.#loopEnd.signal,
    });
    // One that was told to end may still be giving back what it has claimed.
    this.#looping = Promise.all([this.#looping, this.#loop.run().finally(() => watched?.[Symbol.dispose]())]);
  }

  async #endLoop(): Promise<void> {
    this.#loopEnd.abort(new Error("the worker claims no more tasks"));
    await this.#looping;
  }

  #take(claim: Claim): void {
    const opened = this.#options.open(claim);
    const isTrial = this.#gate.noteClaim();
    const held: Held = { run: ClaimedRun.start(claim, opened), opened, since: new Date(), isTrial };
    this.#held.add(held);
    this.#logger.log("info", "claimed a task", { ...taskOf(claim), ...opened.logFields });
    // What was claimed while the worker was told to stop.
    if (this.#mode === "stopping") held.run.stop(new Cancellation("worker-shutdown", "the worker was stopped"));
    const closing = this.#finish(held).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    this.#changed();
  }

  async #finish(held: Held): Promise<void> {
    const ending = await held.run.done;
    await held.opened.close(ending);
    this.#held.delete(held);
    this.#finished++;
    const end = nameOf(ending);
    this.#byEnd[end] = (this.#byEnd[end] ?? 0) + 1;
    if (this.#held.size === 0) this.#idleSinceMs = performance.now();
    const why = whyOf(ending);
    this.#logger.log("info", `a task is over: ${end}`, {
      ...{ ...taskOf(held.run.claim), ...held.opened.logFields },
      ...(why && { why }),
    });
    this.#gate.noteEnd(ending, held.isTrial);
    this.#loop?.wake();
    this.#changed();
    if (this.#mode === "draining" || this.#mode === "stopping") void this.#looping.then(() => this.#endIfEmpty());
  }

  #endIfEmpty(): void {
    if (this.#held.size > 0 || this.#mode === "stopped") return;
    if (this.#mode !== "draining" && this.#mode !== "stopping") return;
    clearTimeout(this.#patience);
    this.#mode = "stopped";
    this.#logger.log("info", `stopped: ${this.#why}`);
    this.#changed();
    this.#done.resolve();
  }

  #stateNow(): WorkerState {
    if (this.#mode !== "claiming") return this.#mode;
    if (this.#held.size >= this.#options.settings.capacity) return "full";
    return this.#whyNot() === undefined ? "claiming" : "waiting";
  }

  #whyNot(): string | undefined {
    return this.#mode === "claiming" ? this.#gate.why : this.#why;
  }

  #changed(): void {
    this.#options.onChange?.();
  }
}

function describe({ run, opened, since }: Held): RunningTask {
  const { task } = run.claim;
  const phase = run.state === "publishing" ? "publish" : run.state === "resolving" ? "resolve" : opened.phase;
  return {
    taskId: task.taskId,
    runId: task.runId,
    ...(task.name === undefined ? {} : { name: task.name }),
    phase: phase ?? "prepare",
    since,
    ...(opened.machine === undefined ? {} : factsOf(opened.machine)),
  };
}

function factsOf({ description, memoryMiB, hasDisplay, hasShell, keptUntil }: LiveMachine): Partial<RunningTask> {
  const facts = { machine: description, memoryMiB, display: hasDisplay, shell: hasShell };
  return { ...facts, ...(keptUntil === undefined ? {} : { keptUntil }) };
}

function taskOf({ task }: Claim): { taskId: string; runId: number } {
  return { taskId: task.taskId, runId: task.runId };
}

/** The first line of what the queue was told, where the task came to no end of its own. */
function whyOf(ending: RunEnding): string | undefined {
  if ("lost" in ending) return ending.lost.message;
  return ending.resolution.kind === "exception" ? ending.resolution.message?.split("\n")[0] : undefined;
}

function nameOf(ending: RunEnding): string {
  if ("lost" in ending) return ending.lost.reason;
  return ending.resolution.kind === "exception" ? ending.resolution.reason : ending.resolution.kind;
}
