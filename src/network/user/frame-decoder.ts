/**
 * Frames out of a byte stream: each is preceded by its length, 4 bytes
 * big-endian. Most frames are views of the chunk they came in; only one that
 * straddles chunks is copied.
 */
import { WorkerError } from "../../base/errors.ts";

export const FRAME_PREFIX_BYTES = 4;
/** QEMU's own limit for a frame on such a link (NET_BUFSIZE). */
export const MAX_FRAME_BYTES = 4_096 + 65_536;

export class FrameDecoder {
  /** Prefix and beginning of a frame whose end has not come yet. */
  #carry: Buffer | undefined;
  #carried = 0;

  /**
   * Calls `visit` with every frame that is complete now. A frame is valid only during the call.
   *
   * @throws {WorkerError} `network-bad-frame`: the length cannot be right, so the stream is out of step for good.
   */
  decode(chunk: Buffer, visit: (frame: Buffer) => void): void {
    let at = this.#carried > 0 ? this.#complete(chunk, visit) : 0;
    while (chunk.length - at >= FRAME_PREFIX_BYTES) {
      const end = at + FRAME_PREFIX_BYTES + checkedLength(chunk.readUInt32BE(at));
      if (end > chunk.length) break;
      visit(chunk.subarray(at + FRAME_PREFIX_BYTES, end));
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  /** Fills up the carried frame; returns where the rest of the chunk begins. */
  #complete(chunk: Buffer, visit: (frame: Buffer) => void): number {
    let at = this.#keep(chunk, 0, FRAME_PREFIX_BYTES - this.#carried);
    if (this.#carried < FRAME_PREFIX_BYTES || this.#carry === undefined) return at;
    const total = FRAME_PREFIX_BYTES + checkedLength(this.#carry.readUInt32BE(0));
    at = this.#keep(chunk, at, at + total - this.#carried);
    if (this.#carried < total) return at;
    this.#carried = 0;
    visit(this.#carry.subarray(FRAME_PREFIX_BYTES, total));
    return at;
  }

  /** Carries `chunk` from `start` to `end`, or to where it ends; returns how far that was. */
  #keep(chunk: Buffer, start: number, end: number): number {
    const stop = Math.min(Math.max(start, end), chunk.length);
    this.#carry ??= Buffer.allocUnsafeSlow(FRAME_PREFIX_BYTES + MAX_FRAME_BYTES);
    this.#carried += chunk.copy(this.#carry, this.#carried, start, stop);
    return stop;
  }
}

function checkedLength(length: number): number {
  if (length > 0 && length <= MAX_FRAME_BYTES) return length;
  throw new WorkerError(`the machine's network link carries a frame of ${length} bytes; it is out of step`, {
    code: "network-bad-frame",
    blame: "host",
    details: { length },
  });
}
