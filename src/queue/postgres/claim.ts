/**
 * One run of a task that this process holds.
 *
 *   held ──resolve──▶ over
 *     └── told that it is lost, or the lease or the deadline passes on the clock of this host ──▶ lost
 *
 * Times are counted from when the database was asked, so that here the lease ends before it does there.
 */

import { orAborted } from "../../base/abort.ts";
import { Cancellation, type ExceptionReason } from "../../base/errors.ts";
import type { ArtifactDestination, Claim, ClaimedTask, Resolution } from "../driver.ts";
import { QueueError } from "../errors.ts";
import { giveBack, renew, resolve } from "../transitions.ts";
import { Alarm } from "./alarm.ts";
import type { TaskRecord } from "./task-rows.ts";
import type { TaskStore } from "./task-store.ts";

export interface HeldRun {
  readonly task: ClaimedTask;
  /** Names this claim, see migrations.ts. */
  readonly job: string;
  /** From {@link askedAtMs}. */
  readonly untilDeadlineMs: number;
  /** When the claim was asked for, of performance.now(). */
  readonly askedAtMs: number;
}

export interface ClaimSurroundings {
  readonly store: TaskStore;
  readonly leaseMs: number;
  readonly artifactsOf: (claim: PostgresClaim) => ArtifactDestination;
  /** Called once, when it is over or lost. */
  readonly onOver: (claim: PostgresClaim) => void;
}

export class PostgresClaim implements Claim {
  readonly task: ClaimedTask;
  readonly job: string;
  readonly artifacts: ArtifactDestination;
  readonly #surroundings: ClaimSurroundings;
  readonly #lost = new AbortController();
  readonly #lease: Alarm;
  readonly #deadline: Alarm;
  #takenUntil: Date;
  #isOver = false;

  constructor(held: HeldRun, surroundings: ClaimSurroundings) {
    this.task = held.task;
    this.job = held.job;
    this.#surroundings = surroundings;
    this.artifacts = surroundings.artifactsOf(this);
    this.#lease = new Alarm(() => this.lose("claim-expired", "its lease was not renewed in time"));
    this.#deadline = new Alarm(() => this.lose("deadline-exceeded", "the deadline of the task is over"));
    this.#takenUntil = this.#extend(held.askedAtMs);
    this.#deadline.set(held.askedAtMs + held.untilDeadlineMs);
  }

  get takenUntil(): Date {
    return this.#takenUntil;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async renew(signal?: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    const askedAtMs = performance.now();
    const { leaseMs } = this.#surroundings;
    const isRenewed = await orAborted(
      this.#change((core, now) => renew(core, new Date(now.getTime() + leaseMs))),
      signal,
    );
    if (isRenewed && !this.#isOver) this.#takenUntil = this.#extend(askedAtMs);
  }

  async resolve(resolution: Resolution, signal?: AbortSignal): Promise<void> {
    if (this.lost.aborted) return;
    const isResolved = await orAborted(
      this.#change((core, now) => resolve(core, resolution, now), resolution),
      signal,
    );
    if (isResolved) this.#end();
  }

  /** It has not begun: somebody else may have it. @throws {QueueError} */
  async giveBack(): Promise<void> {
    await this.#change((core) => giveBack(core));
    this.#end();
  }

  lose(reason: Cancellation["reason"], message: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#lost.abort(new Cancellation(reason, message));
  }

  /** Looks whether it is still ours. @throws {QueueError} */
  async check(): Promise<void> {
    await this.#change((core) => core);
  }

  /** Stops its clocks; the queue is not told. */
  forget(): void {
    this.#end();
  }

  /** Whether it was ours and was changed, or was resolved in that way before; if not, it is lost from now on. */
  async #change(
    change: (core: TaskRecord["core"], now: Date) => TaskRecord["core"],
    resolution?: Resolution,
  ): Promise<boolean> {
    const found = await this.#surroundings.store.transaction(async (tasks) => {
      const {
        tasks: [task],
        now,
      } = await tasks.lock([this.task.taskId]);
      if (task?.job === this.job && task.core.state === "running") {
        await tasks.write(task, change(task.core, now), now);
        return "held";
      }
      return task?.core.runs[this.task.runId];
    });
    if (found === "held" || (resolution !== undefined && isSame(found, resolution))) return true;
    if (resolution !== undefined && this.#isOver && !this.lost.aborted) throw resolvedOtherwise(this.task);
    this.lose(lossOf(found?.reason), found?.message ?? "the queue has given it to somebody else");
    return false;
  }

  #extend(askedAtMs: number): Date {
    const endMs = askedAtMs + this.#surroundings.leaseMs;
    this.#lease.set(endMs);
    return new Date(Date.now() + endMs - performance.now());
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lease.clear();
    this.#deadline.clear();
    this.#surroundings.onOver(this);
  }
}

function isSame(run: TaskRecord["core"]["runs"][number] | undefined, resolution: Resolution): boolean {
  if (run?.state !== resolution.kind) return false;
  return resolution.kind !== "exception" || run.reason === resolution.reason;
}

function lossOf(reason: ExceptionReason | string | undefined): Cancellation["reason"] {
  return reason === "canceled" || reason === "deadline-exceeded" || reason === "superseded" ? reason : "claim-expired";
}

function resolvedOtherwise({ taskId, runId }: ClaimedTask): QueueError {
  const message = `run ${runId} of task ${taskId} was resolved in another way before; this is a bug of Boxcar`;
  return new QueueError("run-resolved", message, { blame: "worker" });
}
