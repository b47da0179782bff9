/**
 * The sending half of a TCP connection (RFC 9293): which bytes may leave now,
 * which must leave again.
 *
 * The link does not lose frames but a guest may, when it is short of memory.
 * So there is no congestion control until something was lost; then the
 * connection starts again slowly (go-back-N) or repairs single holes (NewReno,
 * RFC 6582). Positions are counted in bytes after the first one not
 * acknowledged; the FIN is the position after the last byte.
 */
import { SendQueue } from "./send-queue.ts";
import { sequenceAdd, sequenceDistance } from "./sequence.ts";

const DUPLICATES_OF_A_LOSS = 3;

export interface Departure {
  sequence: number;
  /** Position and number of the payload bytes. */
  from: number;
  length: number;
  fin: boolean;
}

export class TcpSender {
  readonly #queue = new SendQueue();
  readonly #segmentBytes: number;
  /** Sequence number of the first position. */
  #base: number;
  /** Positions sent, and the most that ever were: less than that after going back. */
  #sent = 0;
  #everSent = 0;
  #window: number;
  /** How much may be on its way; unlimited unless something was lost. */
  #congestionWindow = Number.POSITIVE_INFINITY;
  #duplicates = 0;
  /** The position up to which holes are repaired one by one. */
  #recoverTo = 0;
  #resendFirst = false;
  #ending = false;
  #finished = false;

  /**
   * @param next The sequence number after our SYN.
   * @param window What the guest allows, in bytes.
   * @param segmentBytes The most payload a segment may have.
   */
  constructor(next: number, window: number, segmentBytes: number) {
    this.#base = next;
    this.#window = window;
    this.#segmentBytes = segmentBytes;
  }

  /** The sequence number of a segment without payload. */
  get next(): number {
    return sequenceAdd(this.#base, this.#sent);
  }

  /** The sequence number of the first position: the oldest one not acknowledged. */
  get oldest(): number {
    return this.#base;
  }

  /** One behind the last sequence number that ever left. */
  get newest(): number {
    return sequenceAdd(this.#base, this.#everSent);
  }

  /** Bytes appended and not acknowledged. */
  get queuedBytes(): number {
    return this.#queue.length;
  }

  /** Our FIN was acknowledged, and so was everything before it. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Something is on its way that the guest has not acknowledged. */
  get inFlight(): boolean {
    return this.#sent > 0;
  }

  /** Something waits, whether the window lets it leave or not. */
  get hasUnsent(): boolean {
    return !this.#finished && (this.#sent < this.#end || this.#resendFirst);
  }

  /** One behind the last position. */
  get #end(): number {
    return this.#queue.length + (this.#ending && !this.#finished ? 1 : 0);
  }

  append(chunk: Buffer): void {
    this.#queue.append(chunk);
  }

  /** Nothing is appended any more; a FIN follows the last byte. */
  end(): void {
    this.#ending = true;
  }

  copy(target: Buffer, departure: Departure): void {
    this.#queue.copy(target, departure.from, departure.length);
  }

  /** Takes an acknowledgement. @param bare The segment had neither payload nor FIN. */
  acknowledge(acknowledgement: number, window: number, bare: boolean): "progress" | "nothing" | "invalid" {
    const advance = sequenceDistance(this.#base, acknowledgement);
    if (advance > this.#everSent) return "invalid";
    if (advance < 0) return "nothing";
    const sameWindow = window === this.#window;
    this.#window = window;
    if (advance > 0) {
      this.#advance(advance);
      return "progress";
    }
    if (bare && sameWindow && this.inFlight) this.#countDuplicate();
    return sameWindow ? "nothing" : "progress";
  }

  /** The next segment to send, counted as sent; undefined if there is none or the window is full. */
  depart(): Departure | undefined {
    if (this.#resendFirst) {
      this.#resendFirst = false;
      return this.#departure(0, Math.min(this.#segmentBytes, this.#queue.length));
    }
    const from = this.#sent;
    const usable = Math.min(this.#window, this.#congestionWindow) - from;
    const unsent = this.#end - from;
    if (usable <= 0 || unsent <= 0) return undefined;
    // A sliver is not worth a segment while acknowledgements are due that will open the window (RFC 9293, 3.8.6.2.1).
    if (usable < this.#segmentBytes && usable < unsent && from > 0) return undefined;
    const departure = this.#departure(from, Math.min(this.#segmentBytes, usable, this.#queue.length - from));
    this.#sent = Math.max(this.#sent, from + departure.length + (departure.fin ? 1 : 0));
    this.#everSent = Math.max(this.#everSent, this.#sent);
    return departure;
  }

  /** Nothing was acknowledged for too long: everything in flight counts as lost. */
  goBack(): void {
    this.#sent = 0;
    this.#recoverTo = 0;
    this.#duplicates = 0;
    this.#resendFirst = false;
    this.#congestionWindow = this.#segmentBytes;
  }

  #departure(from: number, length: number): Departure {
    const atEnd = this.#ending && !this.#finished && from + length === this.#queue.length;
    const fin = atEnd && (from + length < this.#window || this.#everSent > from + length);
    return { sequence: sequenceAdd(this.#base, from), from, length, fin };
  }

  #advance(bytes: number): void {
    if (bytes > this.#queue.length) this.#finished = true;
    this.#queue.drop(Math.min(bytes, this.#queue.length));
    this.#base = sequenceAdd(this.#base, bytes);
    this.#sent = Math.max(this.#sent - bytes, 0);
    this.#everSent -= bytes;
    this.#duplicates = 0;
    this.#congestionWindow += bytes;
    // Slow start is over when the window no longer holds anything back.
    if (this.#congestionWindow >= this.#window) this.#congestionWindow = Number.POSITIVE_INFINITY;
    if (this.#recoverTo === 0) return;
    this.#recoverTo = Math.max(this.#recoverTo - bytes, 0);
    this.#resendFirst = this.#recoverTo > 0;
  }

  #countDuplicate(): void {
    this.#duplicates += 1;
    if (this.#duplicates !== DUPLICATES_OF_A_LOSS || this.#recoverTo > 0) return;
    this.#recoverTo = this.#sent;
    this.#resendFirst = true;
  }
}
