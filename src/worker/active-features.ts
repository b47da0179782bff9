/** The features one run has asked for, stage by stage. *Owns* them. */
import { orAborted } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { Scope } from "../base/scope.ts";
import type { ActiveFeature, Feature, RunContext, TaskMachine } from "../feature/feature.ts";
import type { Outcome } from "../feature/outcome.ts";
import type { RunEnd } from "./outcome.ts";

export class ActiveFeatures implements AsyncDisposable {
  readonly #run: RunContext;
  readonly #active: readonly ActiveFeature[];
  readonly #scope = new Scope();

  constructor(features: readonly Feature[], run: RunContext) {
    this.#run = run;
    this.#active = features.map((feature) => feature.begin(run)).filter((active) => active !== undefined);
    for (const active of this.#active) this.#scope.defer(() => active[Symbol.asyncDispose]?.());
  }

  get env(): Readonly<Record<string, string>> {
    return Object.assign({}, ...this.#active.map(({ env }) => env));
  }

  /** Places for disks that the machine is to have. */
  get disks(): number {
    return this.#active.reduce((sum, { disks = 0 }) => sum + disks, 0);
  }

  async prepare(): Promise<void> {
    for (const active of this.#active) await this.#orAborted(Promise.resolve(active.prepare?.()));
  }

  async furnish(machine: TaskMachine): Promise<void> {
    for (const active of this.#active) await this.#orAborted(Promise.resolve(active.furnish?.(machine)));
  }

  /** Settles like `reported`, or resolves with why it has to be ended; all features know that it is over by then. */
  async watch(machine: TaskMachine, reported: Promise<RunEnd>): Promise<RunEnd> {
    const over = new AbortController();
    const watches = this.#active.flatMap((active) => active.watch?.(machine, over.signal) ?? []);
    const stops = watches.map(async (watch): Promise<RunEnd> => {
      const stop = await watch;
      return stop === undefined ? new Promise<never>(() => {}) : { stop };
    });
    try {
      return await this.#orAborted(Promise.race([reported, ...stops]));
    } finally {
      over.abort();
      // Who cancels does not wait for a machine that may hang.
      await orAborted(Promise.allSettled(watches), this.#run.signal).catch(() => {});
    }
  }

  /** @param judge How the run ended, given what is wrong with what was collected. */
  async collect(machine: TaskMachine, judge: (problems: readonly string[]) => Outcome): Promise<Outcome> {
    const problems: string[] = [];
    for (const active of this.#active) {
      const more = active.collect?.(machine, judge(problems)) ?? Promise.resolve([]);
      problems.push(...(await this.#orAborted(more)));
    }
    return judge(problems);
  }

  /** Never rejects: there is a reason to be told already. */
  async salvage(machine: TaskMachine): Promise<void> {
    for (const active of this.#active) await this.#attempt(() => active.salvage?.(machine));
  }

  /** Never rejects: the run has ended, and how. */
  async finish(outcome: Outcome): Promise<void> {
    if (this.#run.signal.aborted) return;
    for (const active of this.#active) await this.#attempt(() => active.finish?.(outcome));
  }

  judge(outcome: Outcome): Outcome {
    return this.#active.reduce((judged, active) => active.judge?.(judged) ?? judged, outcome);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #orAborted<T>(stage: Promise<T>): Promise<T> {
    return orAborted(stage, this.#run.signal);
  }

  async #attempt(stage: () => Promise<void> | undefined): Promise<void> {
    try {
      await stage();
    } catch (error) {
      if (!this.#run.signal.aborted) this.#run.note(`warning: ${messageOf(error)}`);
    }
  }
}
