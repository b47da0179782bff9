/**
 * Whether a worker may claim, and how much: what its host has left, how its tasks have ended, whether the queue answers.
 *
 * Says why not, to the log once and to whoever asks.
 */
import { type ExceptionReason, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { formatDuration } from "../base/units.ts";
import type { WorkerSettings } from "../config/worker-process.ts";
import type { Resolution } from "../queue/driver.ts";
import { allowance, type BreakerState, CLOSED, noteClaim, noteHostError, noteNothing, noteSuccess } from "./breaker.ts";
import { type Capacity, freeCapacity, type Room } from "./capacity.ts";
import { claimAllowance } from "./lifecycle.ts";
import type { RunEnding } from "./run-state.ts";

export interface ClaimGateOptions {
  settings: WorkerSettings;
  /** Most memory of one machine. */
  maxMemoryMiB: number;
  /** What the host has left. */
  room: () => Promise<Room>;
  /** What it says has changed. */
  onChange: () => void;
  logger: Logger;
}

/** A task that runs. */
export interface MemoryTaker {
  /** Memory its machine may still take, in MiB. */
  untouchedMemoryMiB(): Promise<number>;
}

export class ClaimGate {
  readonly #options: ClaimGateOptions;
  #breaker: BreakerState = CLOSED;
  #short: string | undefined;
  #queueError: string | undefined;

  constructor(options: ClaimGateOptions) {
    this.#options = options;
  }

  /** Why nothing is claimed, as a sentence; undefined: something may be. */
  get why(): string | undefined {
    const { openUntilMs, onTrial, why } = this.#breaker;
    if (openUntilMs !== undefined) {
      const leftMs = openUntilMs - performance.now();
      const later = leftMs > 0 ? `it tries again in ${formatDuration(leftMs)}` : "the next task is on trial";
      const next = onTrial ? "one task is on trial" : later;
      return `tasks failed by the fault of this host (${why}); ${next}`;
    }
    if (this.#queueError !== undefined) return `the queue cannot be asked: ${this.#queueError}`;
    return this.#short;
  }

  /**
   * How many may be claimed, and if none, when to look again at the latest.
   *
   * @param claimed How many were, since the start.
   */
  async room(running: readonly MemoryTaker[], claimed: number): Promise<{ count: number; waitMs: number }> {
    const { most, waitMs } = allowance(this.#breaker, performance.now());
    if (most === 0) return { count: 0, waitMs };
    const { count, short } = await this.#capacity(running);
    this.#say(count === 0 ? short : undefined);
    const allowed = claimAllowance(this.#options.settings.lifecycle, claimed);
    return { count: Math.min(count, most, allowed), waitMs: Number.POSITIVE_INFINITY };
  }

  /** @returns whether the task that was claimed is on trial. */
  noteClaim(): boolean {
    const before = this.#breaker;
    this.#breaker = noteClaim(before, performance.now());
    return this.#breaker !== before;
  }

  /** @param error Undefined: the queue has answered. */
  noteAnswer(error: unknown): void {
    this.#queueError = error === undefined ? undefined : messageOf(error);
  }

  /** @param wasTrial What {@link noteClaim} said of the task. */
  noteEnd(ending: RunEnding, wasTrial: boolean): void {
    if ("lost" in ending || saysNothing(ending.resolution)) this.#breaker = noteNothing(this.#breaker, wasTrial);
    else if (isHostError(ending.resolution)) this.#noteHostError(ending.resolution, wasTrial);
    else this.#breaker = noteSuccess(this.#breaker, wasTrial);
  }

  async #capacity(running: readonly MemoryTaker[]): Promise<Capacity> {
    const { settings, maxMemoryMiB, room } = this.#options;
    try {
      const untouched = await Promise.all(running.map((task) => task.untouchedMemoryMiB()));
      const untouchedMemoryMiB = untouched.reduce((sum, next) => sum + next, 0);
      return freeCapacity({ ...settings, maxMemoryMiB }, await room(), { tasks: running.length, untouchedMemoryMiB });
    } catch (error) {
      return { count: 0, short: `the host cannot be looked at: ${messageOf(error)}` };
    }
  }

  #say(short: string | undefined): void {
    const changed = (short === undefined) !== (this.#short === undefined);
    this.#short = short;
    if (!changed) return;
    const { logger, onChange } = this.#options;
    if (short === undefined) logger.log("info", "there is room for tasks again");
    else logger.log("warn", `claims no tasks: ${short}`);
    onChange();
  }

  #noteHostError(resolution: Resolution & { kind: "exception" }, wasTrial: boolean): void {
    const { logger, settings } = this.#options;
    const before = this.#breaker;
    const failure = { why: resolution.message ?? "internal-error", wasTrial };
    this.#breaker = noteHostError(before, failure, settings.hostErrors, performance.now());
    const { errorsInARow, openings, openUntilMs = 0, why } = this.#breaker;
    if (openings === before.openings) return;
    const pause = formatDuration(Math.max(0, openUntilMs - performance.now()));
    logger.log(
      "error",
      `claims no tasks for ${pause}: ${errorsInARow} failed in a row by the fault of this host; ${why}`,
    );
  }
}

/** Of the host: somebody ended the task, or it had no machine that could have shown whether the host is well. */
const SAYING_NOTHING: ReadonlySet<string> = new Set<ExceptionReason>([
  ...(["worker-shutdown", "deadline-exceeded", "canceled", "superseded", "claim-expired"] as const),
  ...(["malformed-payload", "resource-unavailable"] as const),
]);

function saysNothing(resolution: Resolution): boolean {
  return resolution.kind === "exception" && SAYING_NOTHING.has(resolution.reason);
}

function isHostError(resolution: Resolution): resolution is Resolution & { kind: "exception" } {
  return resolution.kind === "exception" && resolution.reason === "internal-error";
}
