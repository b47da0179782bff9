/**
 * Notices that a machine does nothing any more.
 *
 *   look ──▶ something has changed ──▶ idle for 0 ──▶ wait ──▶ look …
 *     └────▶ nothing has ──▶ idle for longer ──▶ limit reached: stalled
 */

/** What only grows while a machine does something. */
export interface ActivitySample {
  readonly outputBytes: number;
  readonly diskOperations: number;
}

export interface StallClock {
  /** Milliseconds; only goes forward. */
  now(): number;
  /** What people call this moment. */
  date(): Date;
  /** Rejects when the signal fires. */
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
}

export interface Stall {
  readonly idleMs: number;
  /** When something was last seen to happen. */
  readonly since: Date;
}

export interface StallWatchOptions {
  limitMs: number;
  look: () => Promise<ActivitySample>;
  clock: StallClock;
  /** The watch ends. */
  over: AbortSignal;
}

const LOOKS_PER_LIMIT = 10;
const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 30_000;

export function lookInterval(limitMs: number): number {
  return Math.min(Math.max(limitMs / LOOKS_PER_LIMIT, MIN_INTERVAL_MS), MAX_INTERVAL_MS);
}

/** Resolves when the limit is reached; with undefined when the watch is over. */
export async function watchForStall({ limitMs, look, clock, over }: StallWatchOptions): Promise<Stall | undefined> {
  const intervalMs = lookInterval(limitMs);
  let seen: ActivitySample | undefined;
  let lookedAt = clock.now();
  let idleMs = 0;
  let since = clock.date();
  while (!over.aborted) {
    const sample = await look();
    const now = clock.now();
    if (seen === undefined || hasChanged(seen, sample)) {
      idleMs = 0;
      since = clock.date();
    } else {
      // Of the time when this process was suspended, nothing is known.
      idleMs += Math.min(now - lookedAt, intervalMs * 2);
    }
    if (idleMs >= limitMs) return { idleMs, since };
    seen = sample;
    lookedAt = now;
    await clock.wait(Math.min(intervalMs, limitMs - idleMs), over).catch(() => {});
  }
  return undefined;
}

function hasChanged(before: ActivitySample, now: ActivitySample): boolean {
  return before.outputBytes !== now.outputBytes || before.diskOperations !== now.diskOperations;
}
