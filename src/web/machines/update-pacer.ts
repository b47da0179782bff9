/**
 * How often a viewer gets news of the screen. QEMU encodes them for each viewer apart, with the CPU the machines need;
 * so viewers share what one machine gives.
 *
 *   idle ──request──▶ passed on; waiting ──requests, as one──▶ time is over: passed on ──▶ …
 */
import { encodeUpdateRequest, mergeUpdateRequests, type UpdateRequest } from "../../rfb/update-request.ts";

/** More than a person sees, and what all viewers of one machine have together. */
const MAX_PER_SECOND = { each: 20, all: 80 };

/** Milliseconds from one update to the next, of each of so many. */
export function updateIntervalMs(viewers: number): number {
  return Math.max(1_000 / MAX_PER_SECOND.each, (1_000 / MAX_PER_SECOND.all) * viewers);
}

export interface UpdatePacerOptions {
  /** Now; may be another the next time. */
  intervalMs: () => number;
  send: (message: Buffer) => void;
}

export class UpdatePacer implements Disposable {
  readonly #options: UpdatePacerOptions;
  #waiting: UpdateRequest | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UpdatePacerOptions) {
    this.#options = options;
  }

  request(request: UpdateRequest): void {
    this.#waiting = this.#waiting === undefined ? request : mergeUpdateRequests(this.#waiting, request);
    if (this.#timer === undefined) this.#pass();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#waiting = undefined;
  }

  #pass(): void {
    this.#timer = undefined;
    if (this.#waiting === undefined) return;
    const message = encodeUpdateRequest(this.#waiting);
    this.#waiting = undefined;
    this.#timer = setTimeout(() => this.#pass(), this.#options.intervalMs());
    this.#options.send(message);
  }
}
