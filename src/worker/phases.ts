/** Measures the phases of a run, which follow one another. */
import type { Phase, Timings } from "./task-result.ts";

export class Phases {
  readonly #onPhase: ((phase: Phase) => void) | undefined;
  readonly #now: () => number;
  readonly #begin: number;
  readonly #durations: Partial<Record<Phase, number>> = {};

  /**
   * @param onPhase Told of each that begins.
   * @param now Milliseconds of a clock that only goes forward.
   */
  constructor(onPhase?: (phase: Phase) => void, now: () => number = () => performance.now()) {
    this.#onPhase = onPhase;
    this.#now = now;
    this.#begin = now();
  }

  /** Runs `step` and adds its time to `phase`, also when it fails. */
  async measure<T>(phase: Phase, step: () => Promise<T>): Promise<T> {
    const begin = this.#now();
    this.#onPhase?.(phase);
    try {
      return await step();
    } finally {
      this.#durations[phase] = Math.round((this.#durations[phase] ?? 0) + this.#now() - begin);
    }
  }

  timings(): Timings {
    return { total: Math.round(this.#now() - this.#begin), ...this.#durations };
  }
}
