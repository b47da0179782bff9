/**
 * The task of one guest: the commands it is asked to run, one after another, and how far it is.
 *
 * There is always one step that is not over: while it is open the guest is made to wait for its command. When the
 * guest has reported a step after which more is to come, the next one is open.
 */
import { GuestError } from "./guest-errors.ts";
import type { GuestResult } from "./guest-result.ts";
import { GuestStep } from "./guest-step.ts";
import type { GuestCommand, GuestTask } from "./guest-task.ts";
import { ServiceError } from "./service-error.ts";

export class GuestTaskState {
  readonly #first = new GuestStep(1);
  readonly #steps = [this.#first];
  /** The machine has a command of a life before, which goes on: the first one, whatever its number was. */
  readonly #goesOn: boolean;
  #current = this.#first;
  #closed: { reason: unknown } | undefined;

  constructor({ goesOn }: { goesOn?: { task?: GuestTask | undefined } | undefined } = {}) {
    this.#goesOn = goesOn !== undefined;
    if (goesOn !== undefined) this.#first.goOn(goesOn.task);
  }

  /** The guest has fetched the first command. Rejects if the session is closed before. */
  get started(): Promise<void> {
    return this.#first.started;
  }

  /** The guest has said how the first command ended. Rejects if the session is closed before. */
  get resolved(): Promise<GuestResult> {
    return this.#first.resolved;
  }

  /** A command was given: what comes now is a further one. */
  get hasBegun(): boolean {
    return this.#goesOn || this.#first.task !== undefined;
  }

  /** The latest command that was given. */
  get latest(): GuestTask | undefined {
    return this.#steps.findLast((step) => step.task !== undefined)?.task;
  }

  setTask(task: GuestTask): void {
    if (this.hasBegun) throw new Error("a guest has one task");
    this.#current.give(task, false);
  }

  /**
   * Resolves when the guest has said how the command ended; then, if there is to be `more`, the next one may be run.
   *
   * @throws {GuestError} `not-supported-by-guest`; the reason of {@link close}
   */
  async run(task: GuestTask, more: boolean): Promise<GuestResult> {
    const step = this.#current;
    if (this.#goesOn) throw new Error("the command of this machine goes on");
    if (step.result !== undefined) throw new Error("the command before was said to be the last one");
    if (step.task !== undefined) throw new Error("a guest runs one command of its task at a time");
    const before = this.#steps.at(-2);
    if (before !== undefined && !before.isNamedByGuest) {
      const message = "the agent in the image is too old to run several commands; build the image anew";
      throw new GuestError("not-supported-by-guest", message);
    }
    step.give(task, more);
    return step.resolved;
  }

  /** What the guest is to run now, as soon as there is something; undefined if there is nothing within `waitMs`. */
  async next(waitMs: number): Promise<GuestTask | undefined> {
    const { task, given } = this.#current;
    if (!this.#goesOn && (task !== undefined || waitMs <= 0)) return task;
    if (waitMs <= 0) return undefined;
    const expired = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => expired.resolve(undefined), waitMs);
    try {
      return await Promise.race([given, expired.promise]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The guest now has what {@link next} gave. `logStart`: where the log will go on; asked for later steps only. */
  handOut(logStart: () => number = () => 0): GuestCommand {
    return this.#current.handOut(logStart);
  }

  /** The guest was given the step of this number, and none after it. */
  isAt(number: number): boolean {
    return this.#goesOn || number === this.#steps.findLast((step) => step.isHandedOut)?.number;
  }

  /**
   * The guest says that a step has ended: that of the number, or the last one it was given. To say the same again is
   * allowed, also when the next one runs already.
   *
   * @throws {ServiceError} `ResourceConflict`
   */
  report(result: GuestResult, number?: number): void {
    const step = this.#reported(number);
    if (step === undefined) throw new ServiceError("ResourceConflict", "the task has not been fetched yet");
    step.report(result, number !== undefined);
    if (step === this.#current && step.more) this.#open(new GuestStep(step.number + 1));
  }

  #reported(number: number | undefined): GuestStep | undefined {
    if (this.#goesOn) return this.#first;
    return number === undefined ? this.#steps.findLast((each) => each.task !== undefined) : this.#steps[number - 1];
  }

  #open(step: GuestStep): void {
    if (this.#closed !== undefined) step.close(this.#closed.reason);
    this.#steps.push(step);
    this.#current = step;
  }

  /** Nothing more will come: what has not happened by now rejects with `reason`. */
  close(reason: unknown): void {
    this.#closed = { reason };
    for (const step of this.#steps) step.close(reason);
  }
}
