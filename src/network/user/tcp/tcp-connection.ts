/**
 * One TCP connection (RFC 9293), without its stream. The guest opened it, or has answered who dialled it.
 *
 *   syn-received ──ACK──▶ open ──both FINs acknowledged──▶ gone
 *        │                 │  ╲──application left, guest has not ended──▶ orphan ─▶ gone
 *        ╰── gave up ──────┴── reset by either side ──▶ gone
 *
 * There is no TIME-WAIT: the link does not reorder, so nothing of an old
 * connection can turn up in a new one. *Borrows* the wire; the table of
 * connections hears through its owner when this one may leave it.
 */
import { sequenceAdd } from "./sequence.ts";
import { TcpReceiver } from "./tcp-receiver.ts";
import { parseTcpOptions, TcpFlag, type TcpSegment } from "./tcp-segment.ts";
import { type SegmentFields, TcpSegmentWriter, type TcpWire } from "./tcp-segment-writer.ts";
import { type Departure, TcpSender } from "./tcp-sender.ts";

/** Every host takes segments of this size (RFC 9293, 3.7.1), so that a tiny MSS cannot multiply our work. */
const MIN_SEGMENT_BYTES = 536;
const WINDOW_SHIFT = 3;

/** Ticks without an answer before the first repetition, and the most between two. */
const FIRST_PATIENCE_TICKS = 4;
const LAST_PATIENCE_TICKS = 120;
const MAX_SYN_REPETITIONS = 4;
const ORPHAN_TICKS = 80;

/** The table that the connection is in. */
export interface TcpOwner {
  /** The handshake is done: attach a user now. */
  established(connection: TcpConnection): void;
  /** `deliver` and `transmit` should be called soon. */
  ready(connection: TcpConnection): void;
  /** Nothing more will be sent or received. */
  gone(connection: TcpConnection): void;
  /** What a connection may keep for an application that does not read. */
  receiveLimitBytes(): number;
}

/** The application's side. */
export interface TcpUser {
  /** Bytes taken and not yet read by the application. */
  readonly unreadBytes: number;
  /** There may be something to take, or the guest has ended its side. */
  onReadable(): void;
  /** The guest has acknowledged something. */
  onAcknowledged(): void;
  /** The guest has acknowledged our end. */
  onFinished(): void;
  /** The guest, or the loss of the link, ended the connection. */
  onReset(): void;
}

export class TcpConnection {
  readonly guestPort: number;
  /** Where the guest has connected to: IPv4, as a uint32, and a port. */
  readonly address: number;
  readonly port: number;
  readonly #wire: TcpWire;
  readonly #writer: TcpSegmentWriter;
  readonly #owner: TcpOwner;
  readonly #receiver: TcpReceiver;
  readonly #sender: TcpSender;
  readonly #guestSequence: number;
  readonly #ownSequence: number;
  /** Undefined if the guest does not scale; then neither do we. */
  readonly #guestShift: number | undefined;
  #user: TcpUser | undefined;
  #state: "syn-received" | "open" | "orphan" | "gone" = "syn-received";
  #synAckDue = true;
  #ackDue = false;
  #deliveryDue = false;
  #probeDue = false;
  #quietTicks = 0;
  #patienceTicks = FIRST_PATIENCE_TICKS;
  #synRepetitions = 0;

  /**
   * @param initialSequence Our first sequence number, a uint32.
   * @param isAnswer `syn` is a SYN-ACK that answers a SYN of ours: the connection is open, and the guest is to be told.
   */
  constructor(syn: TcpSegment, wire: TcpWire, owner: TcpOwner, initialSequence: number, isAnswer = false) {
    const options = parseTcpOptions(syn.options);
    const segmentBytes = Math.max(options.maximumSegmentBytes ?? MIN_SEGMENT_BYTES, MIN_SEGMENT_BYTES);
    this.guestPort = syn.sourcePort;
    this.address = wire.header.source;
    this.port = syn.destinationPort;
    this.#writer = new TcpSegmentWriter(wire, {
      sourcePort: syn.destinationPort,
      destinationPort: syn.sourcePort,
    });
    this.#wire = wire;
    this.#owner = owner;
    this.#guestSequence = syn.sequence;
    this.#ownSequence = initialSequence;
    this.#guestShift = options.windowShift;
    this.#receiver = new TcpReceiver(sequenceAdd(syn.sequence, 1), () => owner.receiveLimitBytes());
    this.#sender = new TcpSender(
      sequenceAdd(initialSequence, 1),
      syn.window,
      Math.min(segmentBytes, wire.maxSegmentBytes),
    );
    if (!isAnswer) return;
    this.#state = "open";
    this.#synAckDue = false;
    this.#ackDue = true;
  }

  /** Bytes the application has given that the guest has not acknowledged. */
  get sendingBytes(): number {
    return this.#sender.queuedBytes;
  }

  /** The guest has ended its side and everything was taken. */
  get readFinished(): boolean {
    return this.#receiver.finished && this.#receiver.queuedBytes === 0;
  }

  attach(user: TcpUser): void {
    this.#user = user;
  }

  receive(segment: TcpSegment): void {
    if (this.#state === "gone") return;
    this.#owner.ready(this);
    if (segment.flags & TcpFlag.syn) {
      const repeated = this.#state === "syn-received" && segment.sequence === this.#guestSequence;
      if (repeated) this.#synAckDue = true;
      else this.#ackDue = true;
      return;
    }
    const acceptable = this.#receiver.isAcceptable(segment);
    if (segment.flags & TcpFlag.rst) {
      if (segment.sequence === this.#receiver.next) this.lose();
      else this.#ackDue ||= acceptable;
      return;
    }
    if (!acceptable) {
      this.#ackDue = true;
      return;
    }
    if (segment.flags & TcpFlag.ack && this.#acknowledge(segment)) this.#accept(segment);
  }

  /** Returns whether the rest of the segment counts. */
  #acknowledge(segment: TcpSegment): boolean {
    if (this.#state === "syn-received") {
      if (segment.acknowledgement !== sequenceAdd(this.#ownSequence, 1)) {
        this.#writeBare(TcpFlag.rst, segment.acknowledgement);
        return false;
      }
      this.#state = "open";
      this.#restartPatience();
      this.#owner.established(this);
    }
    const window = segment.window << (this.#guestShift ?? 0);
    const bare = segment.payload.length === 0 && !(segment.flags & TcpFlag.fin);
    const wasFinished = this.#sender.finished;
    const outcome = this.#sender.acknowledge(segment.acknowledgement, window, bare);
    if (outcome === "invalid") {
      this.#ackDue = true;
      return false;
    }
    if (outcome === "progress") {
      this.#restartPatience();
      this.#user?.onAcknowledged();
      if (this.#sender.finished && !wasFinished) this.#user?.onFinished();
    }
    return true;
  }

  #accept(segment: TcpSegment): void {
    if (segment.payload.length > 0 || segment.flags & TcpFlag.fin) {
      this.#ackDue = true;
      const accepted = this.#receiver.accept(segment);
      if (this.#state === "orphan" && this.#receiver.queuedBytes > 0) {
        this.abort();
        return;
      }
      this.#deliveryDue ||= accepted;
    }
    this.#leaveIfDone();
  }

  /** Tells the user what has come since the last call. */
  deliver(): void {
    if (!this.#deliveryDue) return;
    this.#deliveryDue = false;
    this.#user?.onReadable();
  }

  /**
   * Sends what is due and allowed, at most `maxSegments` of data.
   * @returns whether there is more that only lack of room or of turns held back.
   */
  transmit(maxSegments: number): boolean {
    if (this.#state === "gone") return false;
    if (this.#synAckDue) this.#writeSynAck();
    if (this.#state === "syn-received") return false;
    let sent = 0;
    let blocked = false;
    while (!blocked && sent < maxSegments && this.#wire.hasRoom) {
      const departure = this.#sender.depart();
      if (departure === undefined) blocked = true;
      else this.#writeData(departure);
      sent += 1;
    }
    if (this.#ackDue && this.#wire.hasRoom) this.#writeBare(TcpFlag.ack, this.#sender.next);
    // An old sequence number makes the guest say how large its window is.
    if (this.#probeDue) this.#writeBare(TcpFlag.ack, sequenceAdd(this.#sender.oldest, -1));
    this.#probeDue = false;
    this.#leaveIfDone();
    return this.#ackDue || (!blocked && this.#sender.hasUnsent);
  }

  /** Called several times a second while the connection is in the table; repeats what was not answered. */
  tick(): void {
    const waiting = this.#state !== "open" || this.#sender.inFlight || this.#sender.hasUnsent;
    if (!waiting || !this.#wire.hasRoom) return;
    this.#quietTicks += 1;
    if (this.#quietTicks < (this.#state === "orphan" ? ORPHAN_TICKS : this.#patienceTicks)) return;
    this.#quietTicks = 0;
    this.#patienceTicks = Math.min(this.#patienceTicks * 2, LAST_PATIENCE_TICKS);
    if (this.#state === "orphan") {
      this.#leave();
      return;
    }
    if (this.#state === "syn-received") {
      this.#synRepetitions += 1;
      if (this.#synRepetitions > MAX_SYN_REPETITIONS) {
        this.#leave();
        return;
      }
      this.#synAckDue = true;
    } else if (this.#sender.inFlight) this.#sender.goBack();
    else this.#probeDue = true;
    this.#owner.ready(this);
  }

  /** Takes ownership of `chunk`. */
  send(chunk: Buffer): void {
    this.#sender.append(chunk);
    this.#owner.ready(this);
  }

  /** Ends our side after what was sent. */
  end(): void {
    this.#sender.end();
    this.#owner.ready(this);
  }

  /** The next bytes the guest sent, if there are any. */
  take(): Buffer | undefined {
    return this.#receiver.take();
  }

  /** The application has read something; the guest may be told to go on. */
  consumed(): void {
    if (this.#state !== "open" || !this.#receiver.hasWindowNews(this.#user?.unreadBytes ?? 0)) return;
    this.#ackDue = true;
    this.#owner.ready(this);
  }

  /** The application is done with it. What it had not ended, or not read, is reset. */
  detach(): void {
    this.#user = undefined;
    if (this.#state === "gone") return;
    if (!this.#sender.finished || this.#receiver.queuedBytes > 0) {
      this.abort();
      return;
    }
    this.#state = "orphan";
    this.#quietTicks = 0;
    this.#leaveIfDone();
  }

  /** Resets the connection. */
  abort(): void {
    if (this.#state === "gone") return;
    this.#writeBare(TcpFlag.rst | TcpFlag.ack, this.#sender.newest);
    this.#leave();
  }

  /** The guest reset the connection, or its link is lost. */
  lose(): void {
    const user = this.#user;
    this.#leave();
    user?.onReset();
  }

  #leaveIfDone(): void {
    if (this.#sender.finished && this.#receiver.finished && !this.#ackDue) this.#leave();
  }

  #leave(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#owner.gone(this);
  }

  #restartPatience(): void {
    this.#quietTicks = 0;
    this.#patienceTicks = FIRST_PATIENCE_TICKS;
  }

  #writeSynAck(): void {
    // The window of a SYN is never scaled.
    const fields = this.#fields(TcpFlag.syn | TcpFlag.ack, this.#ownSequence, 0);
    this.#synAckDue = !this.#writer.writeSyn(fields, this.#guestShift === undefined ? undefined : WINDOW_SHIFT);
  }

  #writeData(departure: Departure): void {
    const { from, length, fin, sequence } = departure;
    const last = length > 0 && from + length === this.#sender.queuedBytes;
    const flags = TcpFlag.ack | (last ? TcpFlag.psh : 0) | (fin ? TcpFlag.fin : 0);
    const sent = this.#writer.writeData(this.#fields(flags, sequence), length, (payload) => {
      this.#sender.copy(payload, departure);
    });
    if (sent) this.#ackDue = false;
  }

  #writeBare(flags: number, sequence: number): void {
    if (this.#writer.writeBare(this.#fields(flags, sequence))) this.#ackDue = false;
  }

  #fields(flags: number, sequence: number, windowShift: number = WINDOW_SHIFT): SegmentFields {
    const shift = this.#guestShift === undefined ? 0 : windowShift;
    const window = this.#receiver.advertise(shift, this.#user?.unreadBytes ?? 0);
    return { flags, sequence, acknowledgement: flags & TcpFlag.ack ? this.#receiver.next : 0, window };
  }
}
