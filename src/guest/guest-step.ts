/**
 * One command of a task:
 *
 *   open ──give──▶ waiting ──handOut──▶ started ──report──▶ resolved
 */
import type { GuestResult } from "./guest-result.ts";
import type { GuestCommand, GuestTask } from "./guest-task.ts";
import { ServiceError } from "./service-error.ts";

export class GuestStep {
  /** Counted from 1. */
  readonly number: number;
  /** There is a command. This and those below reject if the session is closed before. */
  readonly given: Promise<GuestTask>;
  /** The guest has fetched it. */
  readonly started: Promise<void>;
  /** The guest has said how it ended. */
  readonly resolved: Promise<GuestResult>;
  readonly #given = Promise.withResolvers<GuestTask>();
  readonly #started = Promise.withResolvers<void>();
  readonly #resolved = Promise.withResolvers<GuestResult>();
  #task: GuestTask | undefined;
  #more = false;
  #command: GuestCommand | undefined;
  #result: GuestResult | undefined;
  #named = false;

  constructor(number: number) {
    this.number = number;
    this.given = this.#given.promise;
    this.started = this.#started.promise;
    this.resolved = this.#resolved.promise;
    // Not everybody waits for all of them.
    for (const promise of [this.given, this.started, this.resolved]) promise.catch(() => {});
  }

  get task(): GuestTask | undefined {
    return this.#task;
  }

  get result(): GuestResult | undefined {
    return this.#result;
  }

  /** Another one is to follow. */
  get more(): boolean {
    return this.#more;
  }

  get isHandedOut(): boolean {
    return this.#command !== undefined;
  }

  /** The guest said which step it reports, so it knows of steps. */
  get isNamedByGuest(): boolean {
    return this.#named;
  }

  give(task: GuestTask, more: boolean): void {
    this.#task = task;
    this.#more = more;
    this.#given.resolve(task);
  }

  /** The guest has had it, if it had any, since before this machine was a copy; nobody asks for it again. */
  goOn(task: GuestTask | undefined): void {
    this.#task = task;
    this.#command = task ?? { command: [], env: {} };
    this.#started.resolve();
  }

  /** The guest now has it; `logStart` is asked once, so that to fetch it again gives the same. */
  handOut(logStart: () => number): GuestCommand {
    this.#command ??= this.#describe(logStart);
    this.#started.resolve();
    return this.#command;
  }

  #describe(logStart: () => number): GuestCommand {
    const task = this.#task;
    if (task === undefined) throw new Error("there is no command to hand out");
    const more = this.#more ? ({ more: true } as const) : {};
    if (this.number > 1) return { ...task, ...more, step: this.number, logStart: logStart() };
    return this.#more ? { ...task, ...more, step: this.number } : task;
  }

  /**
   * The guest says that it has ended; to say the same again is allowed.
   *
   * @throws {ServiceError} `ResourceConflict`
   */
  report(result: GuestResult, isNamed: boolean): void {
    if (this.#command === undefined) throw new ServiceError("ResourceConflict", "the task has not been fetched yet");
    if (this.#result !== undefined && this.#result.success !== result.success) {
      const before = this.#result.success ? "success" : "failed";
      throw new ServiceError("ResourceConflict", `the task is already resolved as ${before}`);
    }
    this.#named ||= isNamed;
    this.#result ??= result;
    this.#resolved.resolve(this.#result);
  }

  /** Nothing more will come: what has not happened by now rejects with `reason`. */
  close(reason: unknown): void {
    for (const end of [this.#given, this.#started, this.#resolved]) end.reject(reason);
  }
}
