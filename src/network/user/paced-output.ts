/**
 * Writing to a link no faster than its limit: what may not leave yet waits here, in order. How much that is, is for the
 * writer to limit; see {@link PacedOutput.hasRoom}.
 */
import type { Writable } from "node:stream";
import { RateBudget } from "../rate-budget.ts";

/** Enough to keep the link busy until the timer comes, and little enough that small answers are not late. */
const MAX_DELAY_MS = 100;
const MIN_LIMIT_BYTES = 64 * 1_024;

/** *Borrows* the stream. */
export class PacedOutput {
  readonly #stream: Writable;
  readonly #budget: RateBudget;
  readonly #limitBytes: number;
  readonly #onRoom: () => void;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param bytesPerSecond Undefined: no limit.
   * @param onRoom Called when something has left that had to wait.
   */
  constructor(stream: Writable, bytesPerSecond: number | undefined, onRoom: () => void) {
    this.#stream = stream;
    this.#budget = new RateBudget(bytesPerSecond);
    const delayBytes = ((bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1_000) * MAX_DELAY_MS;
    this.#limitBytes = Math.max(delayBytes, MIN_LIMIT_BYTES);
    this.#onRoom = onRoom;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether as much as `bytes` more may wait; if not, `onRoom` follows. */
  hasRoom(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes < this.#limitBytes;
  }

  /** Takes ownership of `bytes`. */
  write(bytes: Buffer): void {
    if (this.#timer === undefined && this.#budget.waitMs === 0) this.#spend(bytes);
    else this.#hold(bytes);
  }

  /** Does nothing more; idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#held = [];
    this.#heldBytes = 0;
  }

  #spend(bytes: Buffer): void {
    this.#budget.spend(bytes.length);
    this.#stream.write(bytes);
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#timer ??= setTimeout(() => this.#release(), this.#budget.waitMs).unref();
  }

  #release(): void {
    this.#timer = undefined;
    while (this.#budget.waitMs === 0) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#heldBytes -= bytes.length;
      this.#spend(bytes);
    }
    if (this.#held.length > 0) this.#timer = setTimeout(() => this.#release(), this.#budget.waitMs).unref();
    this.#onRoom();
  }
}
