/** What is typed, in blocks, as fast as the other side acknowledges it. Pure bookkeeping. */
import { BLOCK_BYTES, WINDOW_BYTES } from "./shell-codec.ts";

/** A paste of more than that is cut off: it would fill memory while the shell does not read. */
const MAX_WAITING_BYTES = 4 * 1_024 * 1_024;

export class InputQueue {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #openBytes = 0;

  /** @returns whether there was room for it. */
  add(bytes: Uint8Array): boolean {
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) return false;
    if (bytes.length === 0) return true;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return true;
  }

  acknowledge(count: number): void {
    this.#openBytes = Math.max(0, this.#openBytes - count);
  }

  /** The next block that may be sent now. */
  take(): Uint8Array | undefined {
    const [next, ...rest] = this.#waiting;
    const room = Math.min(BLOCK_BYTES, WINDOW_BYTES - this.#openBytes);
    if (next === undefined || room === 0) return undefined;
    const block = next.subarray(0, room);
    this.#waiting = block.length === next.length ? rest : [next.subarray(block.length), ...rest];
    this.#waitingBytes -= block.length;
    this.#openBytes += block.length;
    return block;
  }
}
