/** The features one run has asked for, stage by stage. *Owns* them. */
import { orAborted, orTimeout } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { Scope } from "../base/scope.ts";
import { formatDuration } from "../base/units.ts";
import type {
  ActiveFeature,
  CheckpointKeeper,
  Feature,
  RunContext,
  TaskConnection,
  TaskMachine,
} from "../feature/feature.ts";
import type { Outcome, Stop } from "../feature/outcome.ts";
import { GuestError } from "../guest/guest-errors.ts";
import type { RunEnd } from "./outcome.ts";

/** For gigabytes in or out of a slow guest; one that answers byte by byte must not keep its machine for ever. */
const GUEST_STAGE_MS = 30 * 60_000;

export class ActiveFeatures implements AsyncDisposable {
  readonly #run: RunContext;
  readonly #stageMs: number;
  readonly #active: readonly ActiveFeature[];
  readonly #scope = new Scope();
  #hasFailed = false;

  /** @param stageMs How long each feature may take with the guest before and after the command. */
  constructor(features: readonly Feature[], run: RunContext, stageMs = GUEST_STAGE_MS) {
    this.#run = run;
    this.#stageMs = stageMs;
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

  /** Some feature may want to save the machine. */
  get savable(): boolean {
    return this.#active.some(({ savable }) => savable === true);
  }

  /** Some feature may want to have a look at a command that has failed. */
  get holds(): boolean {
    return this.#active.some(({ holds }) => holds === true);
  }

  /** Who stores what the guest asks to be kept; undefined: nobody. */
  get checkpoints(): CheckpointKeeper | undefined {
    return this.#active.find(({ checkpoints }) => checkpoints !== undefined)?.checkpoints;
  }

  async prepare(): Promise<void> {
    for (const active of this.#active) await this.#orAborted(Promise.resolve(active.prepare?.()));
  }

  async connect(connection: TaskConnection): Promise<void> {
    for (const active of this.#active) await this.#orAborted(Promise.resolve(active.connect?.(connection)));
  }

  async furnish(machine: TaskMachine): Promise<void> {
    for (const active of this.#active) await this.#inTime(Promise.resolve(active.furnish?.(machine)));
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

  /** Rejects only when nobody waits for the run any more. After the first time it does nothing. */
  async failed(machine: TaskMachine, failure: Stop): Promise<void> {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    for (const active of this.#active) await this.#attempt(() => active.failed?.(machine, failure));
    this.#run.signal.throwIfAborted();
  }

  /** @param judge How the run ended, given what is wrong with what was collected. */
  async collect(machine: TaskMachine, judge: (problems: readonly string[]) => Outcome): Promise<Outcome> {
    const problems: string[] = [];
    for (const active of this.#active) {
      const more = active.collect?.(machine, judge(problems)) ?? Promise.resolve([]);
      problems.push(...(await this.#inTime(more)));
    }
    return judge(problems);
  }

  /** Some feature may want the machine when its command has ended. */
  get keeps(): boolean {
    return this.#active.some(({ keep }) => keep !== undefined);
  }

  /** Never rejects, and without a limit of time: how the run ended is known. */
  async keep(machine: TaskMachine): Promise<void> {
    await Promise.all(this.#active.map((active) => this.#attempt(() => active.keep?.(machine))));
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

  #inTime<T>(stage: Promise<T>): Promise<T> {
    const late = () => {
      const limit = formatDuration(this.#stageMs);
      return new GuestError("guest-not-answering", `the guest was not done with what it was asked for within ${limit}`);
    };
    return this.#orAborted(orTimeout(stage, this.#stageMs, late));
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
