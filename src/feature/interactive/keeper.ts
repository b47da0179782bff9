/**
 * How long the machine of a run stays after its command.
 *
 *   the command runs ──wait()──▶ kept ──its time is over, release(), the signal──▶ over
 */
import { setTimeout as after } from "node:timers/promises";

export interface KeeperOptions {
  /** After the command. */
  keepAfterMs: number;
  /** Longest, whoever asks for more. */
  maxKeepAfterMs: number;
  /** It must be over by then. */
  deadline?: Date | undefined;
}

/** What there is left to do when a machine is given back. */
const MARGIN_MS = 60_000;

export class Keeper {
  readonly #maxKeepAfterMs: number;
  readonly #deadlineMs: number;
  #keepAfterMs: number;
  #beganMs: number | undefined;
  #untilMs = 0;
  #changed = new AbortController();

  constructor({ keepAfterMs, maxKeepAfterMs, deadline }: KeeperOptions) {
    this.#keepAfterMs = Math.min(keepAfterMs, maxKeepAfterMs);
    this.#maxKeepAfterMs = maxKeepAfterMs;
    this.#deadlineMs = deadline === undefined ? Number.POSITIVE_INFINITY : deadline.getTime() - MARGIN_MS;
  }

  /** Undefined where the command runs, or its machine is not kept any more. */
  get keptUntil(): Date | undefined {
    return this.#beganMs === undefined || this.#untilMs <= Date.now() ? undefined : new Date(this.#untilMs);
  }

  /** For so long from now; from the end of the command, where it still runs. Never longer than may be. */
  keep(ms: number): void {
    this.#keepAfterMs = Math.min(ms, this.#maxKeepAfterMs);
    if (this.#beganMs !== undefined) this.#keepUntil(Date.now() + ms);
  }

  /** Not any more; not at all, where the command still runs. */
  release(): void {
    this.#keepAfterMs = 0;
    if (this.#beganMs !== undefined) this.#keepUntil(0);
  }

  /**
   * The command has ended. Resolves when nobody wants the machine any more.
   *
   * @param onTime Told until when it is kept, if it is.
   */
  async wait(signal: AbortSignal, onTime: (until: Date) => void): Promise<void> {
    this.#beganMs = Date.now();
    this.#keepUntil(this.#beganMs + this.#keepAfterMs);
    try {
      for (let left = this.#leftMs; left > 0 && !signal.aborted; left = this.#leftMs) {
        onTime(new Date(this.#untilMs));
        this.#changed = new AbortController();
        await after(left, undefined, { signal: AbortSignal.any([signal, this.#changed.signal]) }).catch(() => {});
      }
    } finally {
      this.#untilMs = 0;
    }
  }

  get #leftMs(): number {
    return this.#untilMs - Date.now();
  }

  #keepUntil(untilMs: number): void {
    const latest = Math.min((this.#beganMs ?? 0) + this.#maxKeepAfterMs, this.#deadlineMs);
    this.#untilMs = Math.min(untilMs, latest);
    this.#changed.abort();
  }
}
