/**
 * A guest's network card and a small, obedient TCP client, in one process with
 * the network under test. Also sends whatever a hostile guest would.
 */
import { type Duplex, duplexPair } from "node:stream";
import { parseIpv4Address, parseMac } from "../../src/network/addresses.ts";
import { ADDRESSING } from "../../src/network/addressing.ts";
import { GATEWAY_MAC, METADATA } from "../../src/network/endpoints.ts";
import {
  ETHERNET_HEADER_BYTES,
  type EthernetFrame,
  EtherType,
  tryParseEthernet,
  writeEthernetHeader,
} from "../../src/network/packet/ethernet.ts";
import {
  IPV4_HEADER_BYTES,
  IpProtocol,
  type Ipv4Header,
  type Ipv4Packet,
  transportChecksum,
  tryParseIpv4,
  writeIpv4Header,
} from "../../src/network/packet/ipv4.ts";
import { encodeUdp } from "../../src/network/packet/udp.ts";
import type { Destination } from "../../src/network/services.ts";
import { FrameDecoder } from "../../src/network/user/frame-decoder.ts";
import { sequenceAdd } from "../../src/network/user/tcp/sequence.ts";
import {
  TCP_HEADER_BYTES,
  TCP_SYN_OPTION_BYTES,
  TcpFlag,
  type TcpHeader,
  type TcpSegment,
  tryParseTcp,
  writeSynOptions,
  writeTcpHeader,
} from "../../src/network/user/tcp/tcp-segment.ts";

export const MACHINE_MAC = "52:54:00:12:34:56";

export class FakeGuest {
  /** For `UserNetwork.connect`. */
  readonly networkSide: Duplex;
  readonly #own: Duplex;
  readonly #mac: number;
  /** What it sends and takes. */
  readonly maxSegmentBytes: number;
  readonly #address = parseIpv4Address(ADDRESSING.guestAddress);
  #gate = Promise.withResolvers<void>();
  readonly #listeners = new Set<(frame: EthernetFrame) => void>();

  constructor(mtu = 1_500) {
    [this.networkSide, this.#own] = duplexPair();
    this.#mac = parseMac(MACHINE_MAC);
    this.maxSegmentBytes = mtu - IPV4_HEADER_BYTES - TCP_HEADER_BYTES;
    this.#gate.resolve();
    this.#own.on("error", () => {});
    void this.#drainCard();
  }

  /** Takes nothing more from the network until `resume`. */
  pause(): void {
    this.#gate = Promise.withResolvers();
  }

  resume(): void {
    this.#gate.resolve();
  }

  /** Not in a listener: like a real link, this one never delivers in the middle of sending. */
  async #drainCard(): Promise<void> {
    const decoder = new FrameDecoder();
    try {
      for await (const chunk of this.#own) {
        await this.#gate.promise;
        decoder.decode(chunk, (bytes) => this.#receive(bytes));
      }
    } catch {
      // The link was destroyed.
    }
  }

  /** The machine is gone. */
  powerOff(): void {
    this.#own.destroy();
  }

  /** Resolves when the network has taken everything sent so far. */
  async flushed(): Promise<void> {
    await new Promise<void>((resolve) => this.#own.write(Buffer.alloc(0), () => resolve()));
  }

  sendRaw(bytes: Buffer): void {
    this.#own.write(bytes);
  }

  sendFrame(frame: Buffer): void {
    const prefixed = Buffer.alloc(4 + frame.length);
    prefixed.writeUInt32BE(frame.length);
    prefixed.set(frame, 4);
    this.#own.write(prefixed);
  }

  sendEthernet(etherType: number, payload: Buffer, overrides: { source?: number; destination?: number } = {}): void {
    const frame = Buffer.alloc(ETHERNET_HEADER_BYTES + payload.length);
    writeEthernetHeader(frame, { destination: GATEWAY_MAC, source: this.#mac, etherType, ...overrides });
    frame.set(payload, ETHERNET_HEADER_BYTES);
    this.sendFrame(frame);
  }

  sendIpv4(header: { protocol: number; destination: number; source?: number }, payload: Buffer): void {
    this.sendEthernet(EtherType.ipv4, ipv4Packet({ source: this.#address, ...header }, payload));
  }

  sendTcp(tcp: Partial<TcpHeader>, options: { payload?: Buffer; source?: number; destination?: number } = {}): void {
    const { payload = Buffer.alloc(0), source = this.#address, destination = METADATA } = options;
    const optionBytes = (tcp.flags ?? 0) & TcpFlag.syn ? TCP_SYN_OPTION_BYTES : 0;
    const out = Buffer.alloc(TCP_HEADER_BYTES + optionBytes + payload.length);
    if (optionBytes > 0) writeSynOptions(out.subarray(TCP_HEADER_BYTES), this.maxSegmentBytes, 7);
    out.set(payload, TCP_HEADER_BYTES + optionBytes);
    const header = { protocol: IpProtocol.tcp, source, destination };
    const defaults = {
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: 0,
      acknowledgement: 0,
      flags: 0,
      window: 65_535,
    };
    writeTcpHeader(out, header, { ...defaults, ...tcp }, optionBytes);
    this.sendIpv4(header, out);
  }

  /** A datagram from one of the guest's ports. */
  sendUdp(destination: Destination, payload: Buffer, sourcePort = 30_000): void {
    const header = { protocol: IpProtocol.udp, source: this.#address, destination: destination.address };
    this.sendIpv4(header, encodeUdp(header, { sourcePort, destinationPort: destination.port, payload }));
  }

  onFrame(listener: (frame: EthernetFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next frame for which `select` returns something. Ask before sending what causes it. */
  next<T>(select: (frame: EthernetFrame) => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const stop = this.onFrame((frame) => {
        const found = select(frame);
        if (found === undefined) return;
        stop();
        resolve(found);
      });
    });
  }

  nextIpv4(protocol: number): Promise<Ipv4Packet> {
    return this.next((frame) => {
      const packet = frame.etherType === EtherType.ipv4 ? tryParseIpv4(frame.payload) : undefined;
      return packet?.protocol === protocol ? packet : undefined;
    });
  }

  nextTcp(port = 40_000): Promise<TcpSegment> {
    return this.next((frame) => tcpSegmentTo(frame, port));
  }

  /** Opens a connection, by default to the metadata service. @throws if it is refused. */
  async connect(port: number, destination: Partial<Destination> = {}): Promise<FakeTcpClient> {
    const client = new FakeTcpClient(this, port, { address: METADATA, port: 80, ...destination });
    await client.open();
    return client;
  }

  /** One GET on a connection of its own; the whole answer, headers included. */
  async get(path: string, port = 50_000): Promise<string> {
    const client = await this.connect(port);
    client.send(Buffer.from(`GET ${path} HTTP/1.1\r\nhost: metadata\r\nconnection: close\r\n\r\n`));
    await client.ended;
    client.end();
    return client.received.toString();
  }

  #receive(bytes: Buffer): void {
    const frame = tryParseEthernet(Buffer.from(bytes));
    if (frame === undefined) throw new Error("the network sent a frame without a header");
    for (const listener of [...this.#listeners]) listener(frame);
  }
}

/** Acknowledges what comes in order, ignores the rest, and repeats nothing. */
export class FakeTcpClient {
  readonly #guest: FakeGuest;
  readonly #port: number;
  readonly #destination: Destination;
  readonly #chunks: Buffer[] = [];
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #reset = Promise.withResolvers<void>();
  #waiters: (() => void)[] = [];
  #sequence = 0xffff_fc00;
  #expected = 0;
  #allowedTo = 0;
  /** What the client advertises, unscaled by 2^7. */
  window = 65_535;

  constructor(guest: FakeGuest, port: number, destination: Destination) {
    this.#guest = guest;
    this.#port = port;
    this.#destination = destination;
    guest.onFrame((frame) => {
      const segment = tcpSegmentTo(frame, port, destination);
      if (segment !== undefined) this.#receive(segment);
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get receivedBytes(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  /** The service has ended its side. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get reset(): Promise<void> {
    return this.#reset.promise;
  }

  async open(): Promise<void> {
    this.#write(TcpFlag.syn);
    this.#sequence = sequenceAdd(this.#sequence, 1);
    await Promise.race([
      this.#opened.promise,
      this.#reset.promise.then(() => {
        throw new Error("connection refused");
      }),
    ]);
  }

  /** Sends without regard to the window of the service. */
  send(bytes: Buffer): void {
    const { maxSegmentBytes } = this.#guest;
    for (let at = 0; at < bytes.length; at += maxSegmentBytes) {
      const payload = bytes.subarray(at, at + maxSegmentBytes);
      this.#write(TcpFlag.ack, payload);
      this.#sequence = sequenceAdd(this.#sequence, payload.length);
    }
  }

  /** Sends as the window allows; resolves when everything has left. */
  async sendAll(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      if (this.room === 0) {
        await this.progress();
        continue;
      }
      const part = bytes.subarray(at, at + this.room);
      this.send(part);
      at += part.length;
    }
  }

  /** Resolves at the next segment of this connection. */
  progress(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  end(): void {
    this.#write(TcpFlag.fin | TcpFlag.ack);
    this.#sequence = sequenceAdd(this.#sequence, 1);
  }

  abort(): void {
    this.#write(TcpFlag.rst | TcpFlag.ack);
  }

  /** What the network allows it to send. */
  get room(): number {
    return Math.max((this.#allowedTo - this.#sequence) | 0, 0);
  }

  /** A segment that may be wrong: `sequence` and `acknowledgement` are how far it is beside what would be right. */
  sendOdd(odd: { flags: number; sequence: number; acknowledgement: number; window: number; payload: Buffer }): void {
    const { flags, window, payload } = odd;
    const { port, address } = this.#destination;
    const sequence = sequenceAdd(this.#sequence, odd.sequence);
    const acknowledgement = sequenceAdd(this.#expected, odd.acknowledgement);
    const header = { sourcePort: this.#port, destinationPort: port, sequence, acknowledgement, flags, window };
    this.#guest.sendTcp(header, { destination: address, payload });
  }

  /** Says again what it has and how much it takes. */
  acknowledge(): void {
    this.#write(TcpFlag.ack);
  }

  #receive(segment: TcpSegment): void {
    if (segment.flags & TcpFlag.rst) {
      this.#reset.resolve();
    } else if (segment.flags & TcpFlag.syn) {
      this.#expected = sequenceAdd(segment.sequence, 1);
      this.#allowedTo = sequenceAdd(segment.acknowledgement, segment.window);
      this.acknowledge();
      this.#opened.resolve();
    } else {
      this.#allowedTo = sequenceAdd(segment.acknowledgement, segment.window << 3);
      this.#accept(segment);
    }
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #accept(segment: TcpSegment): void {
    if (segment.sequence !== this.#expected) return;
    const fin = segment.flags & TcpFlag.fin ? 1 : 0;
    if (segment.payload.length + fin === 0) return;
    this.#expected = sequenceAdd(this.#expected, segment.payload.length + fin);
    this.#chunks.push(segment.payload);
    this.acknowledge();
    if (fin) this.#ended.resolve();
  }

  #write(flags: number, payload?: Buffer): void {
    this.#guest.sendTcp(
      {
        sourcePort: this.#port,
        destinationPort: this.#destination.port,
        sequence: this.#sequence,
        acknowledgement: flags & TcpFlag.syn ? 0 : this.#expected,
        flags,
        window: this.window,
      },
      { destination: this.#destination.address, ...(payload && { payload }) },
    );
  }
}

export function ipv4Packet(header: Ipv4Header, payload: Buffer): Buffer {
  const packet = Buffer.alloc(IPV4_HEADER_BYTES + payload.length);
  writeIpv4Header(packet, header, payload.length);
  packet.set(payload, IPV4_HEADER_BYTES);
  return packet;
}

/** @param from Undefined: from anybody. */
function tcpSegmentTo(frame: EthernetFrame, port: number, from?: Destination): TcpSegment | undefined {
  const packet = frame.etherType === EtherType.ipv4 ? tryParseIpv4(frame.payload) : undefined;
  if (packet?.protocol !== IpProtocol.tcp) return undefined;
  if (transportChecksum(packet, packet.payload) !== 0) throw new Error("the network sent a wrong TCP checksum");
  const segment = tryParseTcp(packet.payload);
  if (from !== undefined && (packet.source !== from.address || segment?.sourcePort !== from.port)) return undefined;
  return segment?.destinationPort === port ? segment : undefined;
}
