/** The time that a machine of a build may take, as a signal. */
import { formatDuration } from "../../base/units.ts";
import { BuildMachineError } from "./errors.ts";

/** Fires with {@link BuildMachineError} `build-timed-out` when the time is over, or with the reason of `signal`. */
export class TimeLimit implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number, signal: AbortSignal) {
    const late = new AbortController();
    const message = `the machine was not finished within ${formatDuration(timeoutMs)}; timeout in the recipe gives it more`;
    this.#timer = setTimeout(() => late.abort(new BuildMachineError("build-timed-out", message)), timeoutMs);
    this.signal = AbortSignal.any([late.signal, signal]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
