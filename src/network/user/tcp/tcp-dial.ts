/**
 * A connection to the guest before it is one: a SYN that is sent until the guest answers it.
 *
 *   dialling ──SYN-ACK──▶ answered
 *            ──RST, or no answer──▶ failed
 */
import { dialFailed } from "../../dial-failed.ts";
import { sequenceAdd } from "./sequence.ts";
import { TcpFlag, type TcpSegment } from "./tcp-segment.ts";
import { TcpSegmentWriter, type TcpWire } from "./tcp-segment-writer.ts";

export interface TcpDialOptions {
  /** The one that is connected to. */
  guestPort: number;
  /** Ours: IPv4, as a uint32, and a port. */
  address: number;
  port: number;
  /** Our first sequence number, a uint32. */
  initialSequence: number;
  wire: TcpWire;
}

/** Of ticks, a quarter of a second each, until the SYN is repeated; twice as many each time. */
const FIRST_PATIENCE_TICKS = 4;
const MAX_REPETITIONS = 3;
/** The window of a SYN is never scaled. */
const WINDOW = 0xffff;
const WINDOW_SHIFT = 3;

export class TcpDial {
  readonly guestPort: number;
  readonly address: number;
  readonly port: number;
  readonly initialSequence: number;
  /** The SYN-ACK. Rejects with `network-dial-failed`. */
  readonly answered: Promise<TcpSegment>;
  readonly #answer = Promise.withResolvers<TcpSegment>();
  readonly #writer: TcpSegmentWriter;
  #ticks = 0;
  #patienceTicks = FIRST_PATIENCE_TICKS;
  #repetitions = 0;

  constructor({ guestPort, address, port, initialSequence, wire }: TcpDialOptions) {
    this.guestPort = guestPort;
    this.address = address;
    this.port = port;
    this.initialSequence = initialSequence;
    this.answered = this.#answer.promise;
    this.answered.catch(() => {});
    this.#writer = new TcpSegmentWriter(wire, { sourcePort: port, destinationPort: guestPort });
  }

  transmit(): void {
    const fields = { flags: TcpFlag.syn, sequence: this.initialSequence, acknowledgement: 0, window: WINDOW };
    this.#writer.writeSyn(fields, WINDOW_SHIFT);
  }

  receive(segment: TcpSegment): void {
    const { flags, acknowledgement } = segment;
    // What does not answer our SYN is of an older connection, or made up.
    if (!(flags & TcpFlag.ack) || acknowledgement !== sequenceAdd(this.initialSequence, 1)) return;
    if (flags & TcpFlag.rst) this.fail("nobody listens there");
    else if (flags & TcpFlag.syn) this.#answer.resolve(segment);
  }

  /** Called four times a second. */
  tick(): void {
    this.#ticks += 1;
    if (this.#ticks < this.#patienceTicks) return;
    this.#ticks = 0;
    this.#patienceTicks *= 2;
    this.#repetitions += 1;
    if (this.#repetitions > MAX_REPETITIONS) this.fail("the guest does not answer");
    else this.transmit();
  }

  /** @param why The end of a sentence. */
  fail(why: string): void {
    this.#answer.reject(dialFailed(this.guestPort, why));
  }
}
