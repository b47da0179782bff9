/**
 * What a guest asks to be kept of its machine, from inside: by name, one at a time, and not without end.
 *
 * Who keeps it is a feature. The guest stands still while its machine is saved; the answer reaches it when it goes on.
 */
import type { GuestMove } from "./guest-move.ts";
import { ServiceError } from "./service-error.ts";

export interface StoredCheckpoint {
  /** What it takes on the disk. */
  readonly bytes: number;
  /** How long the machine stood still. */
  readonly stillMs: number;
}

/**
 * Keeps the machine as it is now. What it throws is told to the guest if it is a {@link ServiceError}, and else only that
 * it failed.
 *
 * @param signal Fires when nobody waits any more: who asked has gone, or the session is closed.
 */
export type OnCheckpoint = (name: string, signal: AbortSignal) => Promise<StoredCheckpoint>;

/** As the guest is told it. */
export interface CheckpointAnswer extends Partial<StoredCheckpoint> {
  readonly name: string;
  /** The machine goes on from it; it was stored before. */
  readonly goesOn?: true;
}

export interface GuestCheckpointOptions {
  /** Default: the guest is told that there are none. */
  onCheckpoint?: OnCheckpoint | undefined;
  /** How many one machine may have; default 16. Four times as many may be tried. */
  maxCheckpoints?: number | undefined;
  move?: GuestMove | undefined;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MAX_CHECKPOINTS = 16;
const TRIES_FOR_EACH = 4;

export class GuestCheckpoints {
  readonly #options: GuestCheckpointOptions;
  readonly #max: number;
  readonly #names = new Set<string>();
  readonly #closed = new AbortController();
  #tries = 0;
  #busy = false;

  constructor(options: GuestCheckpointOptions) {
    this.#options = options;
    this.#max = options.maxCheckpoints ?? MAX_CHECKPOINTS;
  }

  /** @throws {ServiceError} what the guest is told */
  async take(name: string, gone: AbortSignal): Promise<CheckpointAnswer> {
    const { onCheckpoint, move } = this.#options;
    if (!NAME.test(name)) {
      const rule = 'up to 63 lower-case letters, digits, ".", "_" and "-", the first a letter or a digit';
      throw new ServiceError("InvalidPayload", `the name of a checkpoint has ${rule}`);
    }
    if (move?.fork === undefined && move?.checkpoint === name) return { name, goesOn: true };
    if (onCheckpoint === undefined) throw refusal("this machine may not make checkpoints; ask for that in the task");
    if (this.#names.has(name)) throw refusal(`there is a checkpoint "${name}" already; take another name`);
    if (this.#names.size >= this.#max)
      throw refusal(`this machine has made ${this.#max} checkpoints, and may not more`);
    if (this.#tries >= this.#max * TRIES_FOR_EACH) throw refusal("this machine has tried often enough");
    if (this.#busy) throw refusal("another checkpoint of this machine is being made; wait for it");
    this.#busy = true;
    this.#tries += 1;
    try {
      const signal = AbortSignal.any([gone, this.#closed.signal]);
      signal.throwIfAborted();
      const { bytes, stillMs } = await onCheckpoint(name, signal);
      this.#names.add(name);
      return { name, bytes, stillMs };
    } catch (cause) {
      if (cause instanceof ServiceError) throw cause;
      throw new ServiceError("InternalError", "the host could not store it");
    } finally {
      this.#busy = false;
    }
  }

  close(reason: unknown): void {
    this.#closed.abort(reason);
  }
}

function refusal(message: string): ServiceError {
  return new ServiceError("ResourceConflict", message);
}
