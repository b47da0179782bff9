/**
 * The receiving half of a TCP connection (RFC 9293): takes what is next in
 * order, drops the rest, and says how much more may come.
 *
 * The link neither loses nor reorders, so segments out of order are rare and
 * not worth keeping: the guest sends them again.
 */
import { ReceiveQueue } from "./receive-queue.ts";
import { sequenceAdd, sequenceDistance } from "./sequence.ts";
import { TcpFlag, type TcpSegment } from "./tcp-segment.ts";

export class TcpReceiver {
  readonly #queue = new ReceiveQueue();
  readonly #limitBytes: () => number;
  /** The next sequence number expected. */
  #next: number;
  /** How far beyond `next` the guest was allowed to send; may not be taken back. */
  #allowance = 0;
  #finished = false;

  /**
   * @param next The sequence number after the guest's SYN.
   * @param limitBytes What is kept for a reader that does not read; may change.
   */
  constructor(next: number, limitBytes: () => number) {
    this.#next = next;
    this.#limitBytes = limitBytes;
  }

  get next(): number {
    return this.#next;
  }

  /** The guest sends no more, and everything it sent has been accepted. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Bytes accepted and not yet taken. */
  get queuedBytes(): number {
    return this.#queue.length;
  }

  /** Whether any part of the segment may be used (RFC 9293, 3.10.7.4), so that its flags count. */
  isAcceptable(segment: TcpSegment): boolean {
    const start = sequenceDistance(this.#next, segment.sequence);
    const end = start + lengthOf(segment);
    if (end === start) return start >= 0 && start <= this.#allowance;
    return end > 0 && start < Math.max(this.#allowance, 1);
  }

  /** Accepts what is in order; returns whether anything was new. */
  accept(segment: TcpSegment): boolean {
    if (this.#finished) return false;
    const skip = -sequenceDistance(this.#next, segment.sequence);
    if (skip < 0 || skip > segment.payload.length) return false;
    const fresh = segment.payload.subarray(skip, skip + this.#allowance);
    this.#queue.append(fresh);
    this.#advance(fresh.length);
    const whole = skip + fresh.length === segment.payload.length;
    if (!whole || !(segment.flags & TcpFlag.fin)) return fresh.length > 0;
    this.#finished = true;
    this.#advance(1);
    return true;
  }

  take(): Buffer | undefined {
    return this.#queue.take();
  }

  clear(): void {
    this.#queue.clear();
  }

  /**
   * The window to advertise, and from now on to honour.
   *
   * @param shift Scale of the window field; what does not fit in the field is not allowed either.
   * @param unreadBytes Bytes taken that the application has not read yet.
   */
  advertise(shift: number, unreadBytes: number): number {
    const field = Math.min(this.#room(unreadBytes) >>> shift, 0xffff);
    this.#allowance = Math.max(this.#allowance, field << shift);
    return field;
  }

  /** The window has grown so much since it was last advertised that the guest should hear of it. */
  hasWindowNews(unreadBytes: number): boolean {
    return !this.#finished && this.#room(unreadBytes) - this.#allowance >= this.#limitBytes() / 4;
  }

  #room(unreadBytes: number): number {
    return Math.max(this.#limitBytes() - this.#queue.length - unreadBytes, this.#allowance, 0);
  }

  #advance(bytes: number): void {
    this.#next = sequenceAdd(this.#next, bytes);
    this.#allowance = Math.max(this.#allowance - bytes, 0);
  }
}

function lengthOf({ flags, payload }: TcpSegment): number {
  return payload.length + (flags & TcpFlag.fin ? 1 : 0);
}
