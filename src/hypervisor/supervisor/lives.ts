/**
 * One QEMU after the other for the same machine, until it has ended for good:
 *
 *   lives ──it ends──▶ between: the guest restarts, or somebody wants it again ──▶ lives
 *               └────▶ over: it has ended by itself, was told to end, or did not start again
 *
 * Whoever tells it to end is heard at any instant, also between. *Owns* the machine that lives.
 */
import { messageOf } from "../../base/errors.ts";
import type { VmEnd } from "../../vm/end.ts";
import type { VmState } from "../../vm/life.ts";
import { VmError } from "../errors.ts";

/** What is needed of a machine. */
export interface Mortal extends AsyncDisposable {
  readonly vm: { readonly state: VmState; readonly done: Promise<Pick<VmEnd, "cause" | "message">> };
}

export interface LivesOptions<M extends Mortal> {
  readonly first: M;
  /** Another one, as the record says then; nothing is left of it where it rejects. */
  readonly start: (signal: AbortSignal) => Promise<M>;
  /** Another one lives; it is ended where this rejects. */
  readonly onStarted: () => Promise<void>;
  readonly note: (text: string) => void;
  /** For messages. */
  readonly called: string;
}

/** How it has ended for good. */
export interface Over {
  readonly occurrence: "ended" | "failed";
  readonly reason: string;
}

interface Outcome {
  readonly over: Over;
  /** For who wanted it to live again. */
  readonly error: unknown;
}

export class Lives<M extends Mortal> {
  readonly #options: LivesOptions<M>;
  readonly #ending = new AbortController();
  #current: M;
  /** Why it is to end; undefined: nobody has asked for it. */
  #asked: string | undefined;
  /** Somebody waits for it to live again. */
  #again: PromiseWithResolvers<void> | undefined;
  #between: PromiseWithResolvers<void> | undefined;
  #isOver = false;
  /** Never rejects. */
  #held: Promise<unknown> = Promise.resolve();

  constructor(options: LivesOptions<M>) {
    this.#options = options;
    this.#current = options.first;
  }

  /** The one that lives, or did last. */
  get current(): M {
    return this.#current;
  }

  /** The one before is gone, and the next one not there yet. */
  get isBetween(): boolean {
    return this.#between !== undefined;
  }

  /** Resolves when it lives, or is over. */
  async settled(): Promise<void> {
    while (this.#between !== undefined) await this.#between.promise;
  }

  /** No other one lives after this; the one that lives is the caller's to end. */
  end(reason: string): void {
    this.#asked ??= reason;
    this.#ending.abort(new VmError("vm-state", `${this.#options.called} is being stopped`));
  }

  /**
   * Has another one live after the one that `end` ends; resolves when it does. One that starts again comes first.
   *
   * @throws {VmError} `vm-state`: it has ended, or was told to; what `end` throws, and it goes on; what starting throws.
   */
  async again(end: (machine: M) => unknown): Promise<void> {
    await this.settled();
    if (this.#isOver) throw new VmError("vm-state", `${this.#options.called} has ended`);
    const again = Promise.withResolvers<void>();
    again.promise.catch(() => {});
    this.#again = again;
    try {
      await end(this.#current);
    } catch (error) {
      if (this.#again === again) this.#again = undefined;
      throw error;
    }
    await again.promise;
  }

  /**
   * Nothing is started, and nothing over, while this lasts, whatever becomes of the machine: for what is done with its
   * files. One at a time.
   *
   * @param work Given a signal that fires when it is not wanted any more, since the machine ends for good.
   * @throws {VmError} `vm-state`: it ends, or has ended; what `work` throws.
   */
  async hold<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await this.settled();
    const { signal } = this.#ending;
    signal.throwIfAborted();
    const { vm } = this.#current;
    const held = work(signal);
    this.#held = held.catch(() => {});
    try {
      return await held;
    } catch (error) {
      if (error instanceof VmError || (vm.state !== "stopping" && vm.state !== "gone")) throw error;
      // It takes its memory along, for example.
      throw new VmError("vm-state", `${this.#options.called} has ended meanwhile`, { cause: error });
    }
  }

  /** Until it is over. To be called once. Never rejects. */
  async run(): Promise<Over> {
    for (;;) {
      const { cause, message } = await this.#current.vm.done;
      const again = this.#again;
      this.#again = undefined;
      const between = Promise.withResolvers<void>();
      this.#between = between;
      const isWanted = this.#asked === undefined && (again !== undefined || cause === "guest-reset");
      const outcome = isWanted ? await this.#startAgain() : this.#ended(message);
      if (outcome !== undefined) {
        this.#isOver = true;
        this.#ending.abort(new VmError("vm-state", `${this.#options.called} has ended`));
      }
      this.#between = undefined;
      between.resolve();
      if (outcome === undefined) {
        again?.resolve();
        continue;
      }
      again?.reject(outcome.error);
      await this.#held;
      return outcome.over;
    }
  }

  #ended(message: string): Outcome {
    const reason = this.#asked ?? message;
    const error = new VmError("vm-state", `${this.#options.called} has ended: ${reason}`);
    return { over: { occurrence: "ended", reason }, error };
  }

  /** Undefined: it lives. Never rejects. */
  async #startAgain(): Promise<Outcome | undefined> {
    this.#options.note("it starts again");
    try {
      await this.#held;
      await this.#start();
      return undefined;
    } catch (error) {
      if (this.#asked !== undefined) return this.#ended(this.#asked);
      return { over: { occurrence: "failed", reason: `it did not start again: ${messageOf(error)}` }, error };
    }
  }

  async #start(): Promise<void> {
    const { start, onStarted } = this.#options;
    const { signal } = this.#ending;
    signal.throwIfAborted();
    const machine = await start(signal);
    this.#current = machine;
    try {
      signal.throwIfAborted();
      await onStarted();
      signal.throwIfAborted();
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }
}
