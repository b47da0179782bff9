/** Measures the phases of a run, which follow one another. */
import type { Phase, Timings } from "./task-result.ts";

export interface PhaseEvents {
  phaseBegan?(phase: Phase): void;
  phaseEnded?(phase: Phase, durationMs: number): void;
}

export class Phases {
  readonly #events: PhaseEvents;
  readonly #now: () => number;
  readonly #begin: number;
  readonly #durations: Partial<Record<Phase, number>> = {};

  /**
   * @param events Told of each that begins, and ends.
   * @param now Milliseconds of a clock that only goes forward.
   */
  constructor(events: PhaseEvents = {}, now: () => number = () => performance.now()) {
    this.#events = events;
    this.#now = now;
    this.#begin = now();
  }

  /** Runs `step` and adds its time to `phase`, also when it fails. */
  async measure<T>(phase: Phase, step: () => Promise<T>): Promise<T> {
    const begin = this.#now();
    this.#events.phaseBegan?.(phase);
    try {
      return await step();
    } finally {
      const durationMs = this.#now() - begin;
      this.#durations[phase] = Math.round((this.#durations[phase] ?? 0) + durationMs);
      this.#events.phaseEnded?.(phase, durationMs);
    }
  }

  timings(): Timings {
    return { total: Math.round(this.#now() - this.#begin), ...this.#durations };
  }
}
