/**
 * Notices that the process hangs: that a loop of it makes no progress, or that it was busy with one thing for so long
 * that nothing else ran.
 *
 *   watch(name) ──▶ in time ──limit passes without beat()──▶ stuck ──beat()──▶ in time
 *
 * While the process is busy it cannot notice; afterwards it says so, and the loops get the time back: they could not run
 * either. The same goes for a process that was suspended. *Owns* its timer, which does not keep the process alive.
 */
import { type Logger, silentLogger } from "./log.ts";
import { formatDuration } from "./units.ts";

export interface WatchdogOptions {
  /** How long the process may be busy with one thing before the log says so. */
  blockedAfterMs: number;
  /** Monotonic, ms; default `performance.now`. */
  now?: () => number;
  logger?: Logger;
}

export interface Health {
  readonly healthy: boolean;
  /** The loops without progress. */
  readonly stuck: readonly { readonly name: string; readonly sinceMs: number }[];
  /** The last time that the process was busy for too long, and how long ago that ended. */
  readonly blocked?: { readonly lastedMs: number; readonly agoMs: number };
}

/** A loop that is watched until it is disposed. */
export interface WatchedLoop extends Disposable {
  /** It makes progress. */
  beat(): void;
}

interface Loop {
  readonly name: string;
  readonly limitMs: number;
  lastBeat: number;
  wasStuck: boolean;
}

/** The process counts as busy with one thing if so many ticks are missing. */
const TICKS_PER_LIMIT = 4;

export class Watchdog implements Disposable {
  readonly #now: () => number;
  readonly #tickMs: number;
  readonly #blockedAfterMs: number;
  readonly #logger: Logger;
  readonly #loops = new Set<Loop>();
  #lastTick: number;
  #blocked: { lastedMs: number; end: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor({ blockedAfterMs, now = () => performance.now(), logger = silentLogger }: WatchdogOptions) {
    this.#now = now;
    this.#blockedAfterMs = blockedAfterMs;
    this.#tickMs = blockedAfterMs / TICKS_PER_LIMIT;
    this.#logger = logger;
    this.#lastTick = now();
  }

  /** One that ticks by itself. */
  static start(options: WatchdogOptions): Watchdog {
    const watchdog = new Watchdog(options);
    watchdog.#timer = setInterval(() => watchdog.tick(), watchdog.#tickMs).unref();
    return watchdog;
  }

  /** One that somebody else ticks. */
  static manual(options: WatchdogOptions): Watchdog {
    return new Watchdog(options);
  }

  /** @param limitMs How long may pass between two beats. */
  watch(name: string, limitMs: number): WatchedLoop {
    const loop: Loop = { name, limitMs, lastBeat: this.#now(), wasStuck: false };
    this.#loops.add(loop);
    return {
      beat: () => {
        loop.lastBeat = this.#now();
      },
      [Symbol.dispose]: () => {
        this.#loops.delete(loop);
      },
    };
  }

  /** How it is now. */
  health(): Health {
    this.#observe();
    const now = this.#now();
    const stuck = [...this.#loops]
      .filter((loop) => isStuck(loop, now))
      .map(({ name, lastBeat }) => ({ name, sinceMs: Math.round(now - lastBeat) }));
    const blocked = this.#blocked && { lastedMs: this.#blocked.lastedMs, agoMs: Math.round(now - this.#blocked.end) };
    return { healthy: stuck.length === 0, stuck, ...(blocked && { blocked }) };
  }

  /** Logs what has changed; often enough, or the process counts as blocked. */
  tick(): void {
    this.#observe();
    const now = this.#now();
    for (const loop of this.#loops) this.#report(loop, now);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Whoever asks first after a long silence must not take the loops for stuck. */
  #observe(): void {
    const now = this.#now();
    const lateMs = now - this.#lastTick - this.#tickMs;
    this.#lastTick = now;
    if (lateMs < this.#blockedAfterMs) return;
    const lastedMs = Math.round(lateMs);
    this.#blocked = { lastedMs, end: now };
    for (const loop of this.#loops) loop.lastBeat = Math.min(now, loop.lastBeat + lateMs);
    const message = `for ${formatDuration(lastedMs)} nothing ran here: the process was busy with one thing, or suspended`;
    this.#logger.log("warn", message, { lastedMs });
  }

  #report(loop: Loop, now: number): void {
    const stuck = isStuck(loop, now);
    if (stuck === loop.wasStuck) return;
    loop.wasStuck = stuck;
    const { name, lastBeat } = loop;
    if (stuck) {
      const message = `${name} has made no progress for ${formatDuration(now - lastBeat)}`;
      this.#logger.log("error", message, { loop: name, sinceMs: Math.round(now - lastBeat) });
    } else this.#logger.log("info", `${name} goes on`, { loop: name });
  }
}

function isStuck({ lastBeat, limitMs }: Loop, now: number): boolean {
  return now - lastBeat > limitMs;
}
