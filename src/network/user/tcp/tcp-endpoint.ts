/**
 * All connections to the metadata service, and the turns they take on the link.
 *
 * *Owns* its connections; *borrows* the wire. Whoever has something to deliver
 * or to send is in the ready set; turns are short, so that one large answer
 * does not hold up the small ones.
 */

import { randomInt } from "node:crypto";
import { TokenBucket } from "../../../base/token-bucket.ts";
import { GUEST, METADATA } from "../../endpoints.ts";
import { IPV4_HEADER_BYTES, IpProtocol, type Ipv4Header } from "../../packet/ipv4.ts";
import type { PacketWriter } from "../packet-writer.ts";
import { TcpConnection, type TcpOwner } from "./tcp-connection.ts";
import { resetFor, TCP_HEADER_BYTES, TcpFlag, type TcpSegment, writeTcpHeader } from "./tcp-segment.ts";
import type { TcpWire } from "./tcp-segment-writer.ts";
import { TcpSocket } from "./tcp-socket.ts";

/** Of what the service sends. */
const REPLY_HEADER: Ipv4Header = { protocol: IpProtocol.tcp, source: METADATA, destination: GUEST };

const SYNS_PER_SECOND = 200;
const SYN_BURST = 400;
const TURN_BYTES = 48 * 1_024;
const TICK_MS = 250;

/** What may wait for acknowledgement: shared by all connections, within limits for each. */
const SEND_BUDGET_BYTES = 16 * 1_024 * 1_024;
const MIN_SEND_LIMIT_BYTES = 64 * 1_024;
const MAX_SEND_LIMIT_BYTES = 1_024 * 1_024;

export interface TcpEndpointOptions {
  /** Bytes of an IP packet. */
  mtu: number;
  /** More connections than this, half-open ones included, are reset. */
  maxConnections: number;
  /** Gets every established connection, and owns it. */
  onConnection: (socket: TcpSocket) => void;
  /** First sequence numbers, uint32; random by default. */
  initialSequence?: () => number;
}

export type SegmentOutcome = "taken" | "rate-limited" | "too-many-connections";

export class TcpEndpoint implements TcpOwner {
  readonly #writer: PacketWriter;
  readonly #wire: TcpWire;
  readonly #segmentsPerTurn: number;
  readonly #options: TcpEndpointOptions;
  readonly #connections = new Map<number, TcpConnection>();
  readonly #ready = new Set<TcpConnection>();
  readonly #syns = new TokenBucket(SYNS_PER_SECOND, SYN_BURST);
  #ticker: NodeJS.Timeout | undefined;
  #pumpScheduled = false;
  #opened = 0;

  constructor(writer: PacketWriter, options: TcpEndpointOptions) {
    const maxSegmentBytes = options.mtu - IPV4_HEADER_BYTES - TCP_HEADER_BYTES;
    this.#writer = writer;
    this.#segmentsPerTurn = Math.max(Math.floor(TURN_BYTES / maxSegmentBytes), 1);
    this.#wire = {
      header: REPLY_HEADER,
      maxSegmentBytes,
      get hasRoom() {
        return writer.hasRoom;
      },
      tryAllocateTcp: (bytes) => writer.tryAllocateIpv4(REPLY_HEADER, bytes),
    };
    this.#options = options;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Connections established since the beginning. */
  get openedCount(): number {
    return this.#opened;
  }

  /** Takes a segment for this endpoint; what it causes is sent by the next `pump`. */
  receive(segment: TcpSegment): SegmentOutcome {
    const connection = this.#connections.get(segment.sourcePort);
    if (connection !== undefined) {
      connection.receive(segment);
      return "taken";
    }
    if ((segment.flags & (TcpFlag.syn | TcpFlag.ack | TcpFlag.rst)) !== TcpFlag.syn) {
      refuseSegment(this.#writer, REPLY_HEADER, segment);
      return "taken";
    }
    if (!this.#syns.tryTake()) return "rate-limited";
    if (this.#connections.size >= this.#options.maxConnections) {
      refuseSegment(this.#writer, REPLY_HEADER, segment);
      return "too-many-connections";
    }
    this.#open(segment);
    return "taken";
  }

  /** Delivers and sends what is due; called when a batch of frames was received and when the link has drained. */
  pump(): void {
    for (const connection of [...this.#ready]) connection.deliver();
    for (const connection of this.#ready) {
      if (!this.#writer.hasRoom) this.#writer.flush();
      if (!this.#writer.hasRoom) return;
      this.#ready.delete(connection);
      // One that is not finished goes to the end of the queue, where this loop finds it again.
      if (connection.transmit(this.#segmentsPerTurn)) this.#ready.add(connection);
    }
  }

  /** The link is lost: every connection is. */
  destroy(): void {
    for (const connection of [...this.#connections.values()]) connection.lose();
  }

  established(connection: TcpConnection): void {
    this.#opened += 1;
    this.#options.onConnection(new TcpSocket(connection, () => this.#sendLimitBytes()));
  }

  ready(connection: TcpConnection): void {
    this.#ready.add(connection);
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    process.nextTick(() => {
      this.#pumpScheduled = false;
      this.pump();
    });
  }

  gone(connection: TcpConnection): void {
    this.#ready.delete(connection);
    this.#connections.delete(connection.guestPort);
    if (this.#connections.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #open(syn: TcpSegment): void {
    const initialSequence = this.#options.initialSequence?.() ?? randomInt(0x1_0000_0000);
    const connection = new TcpConnection(syn, this.#wire, this, initialSequence);
    this.#connections.set(syn.sourcePort, connection);
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS).unref();
    this.ready(connection);
  }

  #tick(): void {
    for (const connection of [...this.#connections.values()]) connection.tick();
  }

  #sendLimitBytes(): number {
    const share = SEND_BUDGET_BYTES / Math.max(this.#connections.size, 1);
    return Math.min(Math.max(share, MIN_SEND_LIMIT_BYTES), MAX_SEND_LIMIT_BYTES);
  }
}

/** Answers a segment with a reset, unless it is one. */
export function refuseSegment(writer: PacketWriter, reply: Ipv4Header, segment: TcpSegment): void {
  const header = resetFor(segment);
  const out = header && writer.tryAllocateIpv4(reply, TCP_HEADER_BYTES);
  if (header !== undefined && out !== undefined) writeTcpHeader(out, reply, header, 0);
}
