/**
 * Asks the queue for work while there is room for it.
 *
 * One question at a time; between two that failed a pause that grows, and differs from worker to worker. Whoever
 * decides how much room there is tells the loop when that changes, by {@link ClaimLoop.wake}.
 */
import { setTimeout as after } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import type { Claim, QueueDriver } from "../queue/driver.ts";

export interface ClaimLoopOptions {
  queue: QueueDriver;
  /** How many may be claimed now, and if none, when to look again at the latest. */
  room: () => Promise<{ count: number; waitMs: number }>;
  /** Takes over what was claimed. */
  onClaim: (claim: Claim) => void;
  /** The queue answered, or did not. */
  onAnswer?: (error: unknown) => void;
  logger?: Logger;
  /** The loop does something. */
  beat?: () => void;
  /** Ends the loop; what was claimed at that moment is given back by the driver. */
  signal: AbortSignal;
}

const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 60_000;
/** What the host has left changes without anybody saying so. */
const MAX_WAIT_MS = 15_000;

export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  #wake = new AbortController();
  #failures = 0;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  /** There may be room now. */
  wake(): void {
    this.#wake.abort();
  }

  /** Settles when the signal has fired; never rejects. */
  async run(): Promise<void> {
    const { beat, room, signal } = this.#options;
    while (!signal.aborted) {
      beat?.();
      this.#wake = new AbortController();
      const { count, waitMs } = await room();
      if (count > 0) await this.#claim(count);
      else await this.#pause(Math.min(MAX_WAIT_MS, waitMs), this.#wake.signal);
    }
  }

  async #claim(count: number): Promise<void> {
    const { queue, onClaim, onAnswer, signal, logger = silentLogger } = this.#options;
    try {
      const claims = await queue.claim(count, signal);
      if (this.#failures > 0) logger.log("info", "the queue answers again");
      this.#failures = 0;
      onAnswer?.(undefined);
      for (const claim of claims) onClaim(claim);
    } catch (error) {
      if (signal.aborted) return;
      onAnswer?.(error);
      const waitMs = backoffMs(this.#failures++, Math.random());
      logger.log("warn", `the queue cannot be asked for tasks: ${messageOf(error)}`, { waitMs });
      await this.#pause(waitMs);
    }
  }

  async #pause(waitMs: number, wake?: AbortSignal): Promise<void> {
    const { beat, signal } = this.#options;
    // What comes before it may have taken as long as a queue that hangs.
    beat?.();
    const either = wake === undefined ? signal : AbortSignal.any([signal, wake]);
    await after(waitMs, undefined, { signal: either }).catch(() => {});
  }
}

/** @param random From 0 to 1. */
export function backoffMs(failures: number, random: number): number {
  const most = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** failures);
  return Math.round(most * (0.5 + random / 2));
}
