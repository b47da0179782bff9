/** What the inputs of one task may have together. */
import { formatBytes } from "../../base/units.ts";
import { InputError } from "./errors.ts";

export class ByteBudget {
  readonly #maxBytes: number;
  #leftBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#leftBytes = maxBytes;
  }

  /** @throws {@link InputError} `input-too-large` unless `bytes` are left. */
  require(bytes: number, what: string): void {
    if (bytes <= this.#leftBytes) return;
    const message = `${what} is too large: the inputs of a task may have ${formatBytes(this.#maxBytes)} together on this worker`;
    throw new InputError("input-too-large", message, { maxBytes: this.#maxBytes });
  }

  /** @throws as {@link require} does. */
  spend(bytes: number, what: string): void {
    this.require(bytes, what);
    this.#leftBytes -= bytes;
  }
}
