/**
 * What one run does, noted as it happens: for who asks while it lives, for what is kept of it, and for who observes it.
 *
 * *Borrows* the observer.
 */
import type { MadeCheckpoint } from "../feature/checkpoints/made.ts";
import type { KeptMachine } from "../feature/on-failure/kept-machine.ts";
import type { StepResult } from "../feature/steps.ts";
import type { MachineFacts, RunObserver } from "./observer.ts";
import type { RunPhase, RunReportParts, RunReportPhase } from "./run-report.ts";

type Facts = { -readonly [K in "image" | "machine" | "accelerator" | "start"]?: RunReportParts[K] };

export class RunRecorder {
  readonly #workerId: string;
  readonly #observer: RunObserver | undefined;
  readonly #phases: RunReportPhase[] = [];
  readonly #steps: StepResult[] = [];
  readonly #checkpoints: MadeCheckpoint[] = [];
  readonly #facts: Facts = {};
  #saved: KeptMachine | undefined;

  constructor(workerId: string, observer: RunObserver | undefined) {
    this.#workerId = workerId;
    this.#observer = observer;
  }

  /** As far as it came. */
  get report(): RunReportParts {
    const { start, ...chosen } = this.#facts;
    const checkpoints = this.#checkpoints.length === 0 ? {} : { checkpoints: [...this.#checkpoints] };
    const saved = this.#saved === undefined ? {} : { saved: this.#saved };
    const facts = {
      ...{ ...chosen, ...(start === undefined ? {} : { start }), ...checkpoints, ...saved },
      workerId: this.#workerId,
    };
    return { phases: [...this.#phases], steps: [...this.#steps], ...facts };
  }

  phaseBegan(name: RunPhase): void {
    const at = new Date();
    this.#phases.push({ name, startedAt: at.toISOString() });
    this.#observer?.phaseBegan?.(name, at);
  }

  phaseEnded(name: RunPhase, durationMs: number): void {
    const index = this.#phases.findLastIndex((phase) => phase.name === name);
    const phase = this.#phases[index];
    if (phase !== undefined) this.#phases[index] = { ...phase, durationMs: Math.round(durationMs) };
    this.#observer?.phaseEnded?.(name, durationMs);
  }

  async measure<T>(name: RunPhase, step: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    this.phaseBegan(name);
    try {
      return await step();
    } finally {
      this.phaseEnded(name, performance.now() - begin);
    }
  }

  /** @param name Undefined where the task is one command. */
  stepBegan(name: string | undefined): void {
    if (name !== undefined) this.#observer?.stepBegan?.(name, new Date());
  }

  stepEnded(step: StepResult): void {
    this.#steps.push(step);
    this.#observer?.stepEnded?.(step);
  }

  checkpointMade(made: MadeCheckpoint): void {
    this.#checkpoints.push(made);
  }

  machineKept(kept: KeptMachine): void {
    this.#saved = kept;
  }

  machineChosen(facts: Required<Pick<RunReportParts, "image" | "machine" | "accelerator">>): void {
    Object.assign(this.#facts, facts);
  }

  machineStarted(facts: MachineFacts): void {
    this.#facts.start = facts.start === "pooled" ? "resumed" : facts.start;
    this.#observer?.machine?.(facts);
  }

  /** Variables for the next command of the guest. */
  environment(): Readonly<Record<string, string>> {
    return this.#observer?.environment?.() ?? {};
  }
}
