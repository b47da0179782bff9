/**
 * All TCP connections of a guest, and the turns they take on the link.
 *
 * *Owns* its connections; *borrows* the wire. Whoever has something to deliver
 * or to send is in the ready set; turns are short, so that one large answer
 * does not hold up the small ones.
 */

import { randomInt } from "node:crypto";
import { TokenBucket } from "../../../base/token-bucket.ts";
import { dialFailed } from "../../dial-failed.ts";
import { GUEST } from "../../endpoints.ts";
import type { NetworkLimits } from "../../limits.ts";
import { IPV4_HEADER_BYTES, IpProtocol, type Ipv4Header } from "../../packet/ipv4.ts";
import type { PacketWriter } from "../packet-writer.ts";
import { ConnectionTable } from "./connection-table.ts";
import { receiveShareBytes, sendShareBytes } from "./memory-shares.ts";
import { TcpConnection, type TcpOwner } from "./tcp-connection.ts";
import { TcpDial } from "./tcp-dial.ts";
import { resetFor, TCP_HEADER_BYTES, type TcpSegment, writeTcpHeader } from "./tcp-segment.ts";
import type { TcpWire } from "./tcp-segment-writer.ts";
import { TcpSocket } from "./tcp-socket.ts";

const TURN_BYTES = 48 * 1_024;
const TICK_MS = 250;
const MAX_DIALS = 64;
/** From which ours are chosen; those below have services of the network. */
const DIAL_PORTS = [32_768, 61_000] as const;

/** To a service of the network itself, or to the outside: each has a number of connections of its own. */
export type TcpGroup = "service" | "outside";

/** What becomes of a connection. */
export interface Opening {
  readonly group: TcpGroup;
  /** Gets the connection when it is established, and owns it. */
  readonly accept: (socket: TcpSocket) => void;
}

export interface TcpEndpointOptions {
  /** Bytes of an IP packet. */
  mtu: number;
  limits: Pick<NetworkLimits, "serviceConnections" | "outsideConnections" | "connectionsPerSecond">;
  /** First sequence numbers, uint32; random by default. */
  initialSequence?: () => number;
}

export type OpenOutcome = "taken" | "rate-limited" | "too-many-connections";

export class TcpEndpoint implements TcpOwner {
  readonly #writer: PacketWriter;
  readonly #maxSegmentBytes: number;
  readonly #segmentsPerTurn: number;
  readonly #options: TcpEndpointOptions;
  readonly #connections = new ConnectionTable<TcpConnection>();
  readonly #dials = new ConnectionTable<TcpDial>();
  readonly #openings = new Map<TcpConnection, Opening>();
  readonly #counts: Record<TcpGroup, number> = { service: 0, outside: 0 };
  readonly #ready = new Set<TcpConnection>();
  readonly #syns: TokenBucket;
  #ticker: NodeJS.Timeout | undefined;
  #pumpScheduled = false;
  #opened = 0;

  constructor(writer: PacketWriter, options: TcpEndpointOptions) {
    const { connectionsPerSecond } = options.limits;
    this.#writer = writer;
    this.#maxSegmentBytes = options.mtu - IPV4_HEADER_BYTES - TCP_HEADER_BYTES;
    this.#segmentsPerTurn = Math.max(Math.floor(TURN_BYTES / this.#maxSegmentBytes), 1);
    this.#options = options;
    this.#syns = new TokenBucket(connectionsPerSecond, 2 * connectionsPerSecond);
  }

  /** Half-open ones included. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Connections established since the beginning. */
  get openedCount(): number {
    return this.#opened;
  }

  /**
   * Gives a segment to its connection; what it causes is sent by the next `pump`.
   * @returns whether there is such a connection.
   */
  tryReceive(segment: TcpSegment, address: number): boolean {
    const key = [segment.sourcePort, address, segment.destinationPort] as const;
    const connection = this.#connections.get(...key);
    connection?.receive(segment);
    if (connection !== undefined) return true;
    const dial = this.#dials.get(...key);
    dial?.receive(segment);
    return dial !== undefined;
  }

  /**
   * Connects to a port of the guest, as from `address`.
   *
   * @throws {WorkerError} `network-dial-failed`
   */
  async dial(port: number, address: number): Promise<TcpSocket> {
    if (this.#dials.size >= MAX_DIALS) throw dialFailed(port, "too many connections are being made");
    const taken = (own: number) =>
      this.#connections.get(port, address, own) !== undefined || this.#dials.get(port, address, own) !== undefined;
    let own = randomInt(...DIAL_PORTS);
    while (taken(own)) own = randomInt(...DIAL_PORTS);
    const initialSequence = this.#options.initialSequence?.() ?? randomInt(0x1_0000_0000);
    const dial = new TcpDial({ guestPort: port, address, port: own, initialSequence, wire: this.#wireFrom(address) });
    this.#dials.add(dial);
    this.#startTicking();
    try {
      dial.transmit();
      // Nobody else may have a reason to send.
      this.#writer.flush();
      const synAck = await dial.answered;
      return this.#answered(synAck, dial);
    } finally {
      this.#dials.delete(dial);
      this.#stopTicking();
    }
  }

  #answered(synAck: TcpSegment, { address, initialSequence }: TcpDial): TcpSocket {
    const connection = new TcpConnection(synAck, this.#wireFrom(address), this, initialSequence, true);
    this.#connections.add(connection);
    this.#opened += 1;
    this.ready(connection);
    return new TcpSocket(connection, () => sendShareBytes(this.#connections.size));
  }

  /** Begins a connection with a SYN to `address` that {@link tryReceive} did not take. */
  open(syn: TcpSegment, address: number, opening: Opening): OpenOutcome {
    if (!this.#syns.tryTake()) return "rate-limited";
    const { serviceConnections, outsideConnections } = this.#options.limits;
    const limit = opening.group === "service" ? serviceConnections : outsideConnections;
    if (this.#counts[opening.group] >= limit) return "too-many-connections";
    const initialSequence = this.#options.initialSequence?.() ?? randomInt(0x1_0000_0000);
    const connection = new TcpConnection(syn, this.#wireFrom(address), this, initialSequence);
    this.#connections.add(connection);
    this.#openings.set(connection, opening);
    this.#counts[opening.group] += 1;
    this.#startTicking();
    this.ready(connection);
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
    for (const connection of [...this.#connections]) connection.lose();
    for (const dial of [...this.#dials]) dial.fail("the network has ended");
  }

  established(connection: TcpConnection): void {
    const opening = this.#openings.get(connection);
    this.#opened += 1;
    opening?.accept(new TcpSocket(connection, () => sendShareBytes(this.#connections.size)));
  }

  receiveLimitBytes(): number {
    return receiveShareBytes(this.#connections.size);
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
    const opening = this.#openings.get(connection);
    if (opening !== undefined) this.#counts[opening.group] -= 1;
    this.#openings.delete(connection);
    this.#ready.delete(connection);
    this.#connections.delete(connection);
    this.#stopTicking();
  }

  #startTicking(): void {
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #stopTicking(): void {
    if (this.#connections.size > 0 || this.#dials.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #wireFrom(address: number): TcpWire {
    const writer = this.#writer;
    const header = { protocol: IpProtocol.tcp, source: address, destination: GUEST };
    return {
      header,
      maxSegmentBytes: this.#maxSegmentBytes,
      get hasRoom() {
        return writer.hasRoom;
      },
      tryAllocateTcp: (bytes) => writer.tryAllocateIpv4(header, bytes),
    };
  }

  #tick(): void {
    for (const connection of [...this.#connections]) connection.tick();
    for (const dial of [...this.#dials]) dial.tick();
    this.#writer.flush();
  }
}

/** Answers a segment with a reset, unless it is one. */
export function refuseSegment(writer: PacketWriter, reply: Ipv4Header, segment: TcpSegment): void {
  const header = resetFor(segment);
  const out = header && writer.tryAllocateIpv4(reply, TCP_HEADER_BYTES);
  if (header !== undefined && out !== undefined) writeTcpHeader(out, reply, header, 0);
}
