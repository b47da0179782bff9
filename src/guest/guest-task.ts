/**
 * The task of one guest: what it is asked to run, and how far it is.
 *
 *   no task ──setTask──▶ waiting ──handOut──▶ started ──report──▶ resolved
 */
import type { GuestResult } from "./guest-result.ts";
import { ServiceError } from "./service-error.ts";

export interface GuestTask {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Name or number; the image's default if it is left out. */
  readonly user?: string;
  readonly tty?: boolean;
  readonly runId?: number;
}

export class GuestTaskState {
  /** The guest has fetched the task. Rejects if the session is closed before. */
  readonly started: Promise<void>;
  /** The guest has said how the task ended. Rejects if the session is closed before. */
  readonly resolved: Promise<GuestResult>;
  readonly #given = Promise.withResolvers<GuestTask>();
  readonly #started = Promise.withResolvers<void>();
  readonly #resolved = Promise.withResolvers<GuestResult>();
  #task: GuestTask | undefined;
  #handedOut = false;
  #result: GuestResult | undefined;

  constructor() {
    this.started = this.#started.promise;
    this.resolved = this.#resolved.promise;
    // Not everybody waits for all of them.
    for (const promise of [this.#given.promise, this.started, this.resolved]) promise.catch(() => {});
  }

  setTask(task: GuestTask): void {
    if (this.#task !== undefined) throw new Error("a guest has one task");
    this.#task = task;
    this.#given.resolve(task);
  }

  /** The task, as soon as there is one; undefined if there is none within `waitMs`. */
  async next(waitMs: number): Promise<GuestTask | undefined> {
    if (this.#task !== undefined || waitMs <= 0) return this.#task;
    const expired = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => expired.resolve(undefined), waitMs);
    try {
      return await Promise.race([this.#given.promise, expired.promise]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The guest now has the task. */
  handOut(): void {
    this.#handedOut = true;
    this.#started.resolve();
  }

  /**
   * The guest says that the task has ended; to say the same again is allowed.
   *
   * @throws {ServiceError} `ResourceConflict`
   */
  report(result: GuestResult): void {
    if (!this.#handedOut) throw new ServiceError("ResourceConflict", "the task has not been fetched yet");
    if (this.#result !== undefined && this.#result.success !== result.success) {
      const before = this.#result.success ? "success" : "failed";
      throw new ServiceError("ResourceConflict", `the task is already resolved as ${before}`);
    }
    this.#result ??= result;
    this.#resolved.resolve(this.#result);
  }

  /** Nothing more will come: what has not happened by now rejects with `reason`. */
  close(reason: unknown): void {
    for (const end of [this.#given, this.#started, this.#resolved]) end.reject(reason);
  }
}
