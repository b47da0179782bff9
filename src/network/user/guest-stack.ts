/**
 * Everything a guest finds at the other end of its network card: ARP, DHCP,
 * DNS and ping of the gateway, and TCP connections to the metadata address.
 *
 *   frame ─▶ inspectFrame (whose is it?) ─▶ decideFlow (may it?) ─▶ the service
 *
 * The guest is hostile: every byte is checked, every answer is rate-limited or
 * bound to a connection, and what is not answered is counted. *Owns* the link
 * and the connections on it.
 */

import type { Duplex } from "node:stream";
import type { WorkerError } from "../../base/errors.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import { Counters, type NetworkStats } from "../counters.ts";
import { GUEST } from "../endpoints.ts";
import { ARP_BYTES, type ArpPacket, writeArp } from "../packet/arp.ts";
import { ETHERNET_HEADER_BYTES, EtherType } from "../packet/ethernet.ts";
import { IpProtocol, type Ipv4Header, type Ipv4Packet, transportChecksum } from "../packet/ipv4.ts";
import { hasValidUdpChecksum, tryParseUdp } from "../packet/udp.ts";
import { decideFlow, type NetworkPolicy } from "../policy.ts";
import { FrameLink, type FrameSink } from "./frame-link.ts";
import { type DropReason, inspectFrame } from "./ingress.ts";
import { type LocalReply, portUnreachable, replyToArp, replyToDhcp, replyToDns, replyToEcho } from "./local-replies.ts";
import { PacketWriter } from "./packet-writer.ts";
import { refuseSegment, TcpEndpoint } from "./tcp/tcp-endpoint.ts";
import { tryParseTcp } from "./tcp/tcp-segment.ts";
import type { TcpSocket } from "./tcp/tcp-socket.ts";

export interface GuestStackOptions {
  /** The only source MAC address that is believed, as a uint48. */
  machineMac: number;
  /** Bytes of an IP packet; a larger one from the guest is malformed. */
  mtu: number;
  policy: NetworkPolicy;
  maxConnections: number;
  /** Gets every connection to the metadata service, and owns it. */
  onConnection: (socket: TcpSocket) => void;
  /** The link is gone; the error is undefined if either side closed it. */
  onClosed: (error: WorkerError | undefined) => void;
}

export class GuestStack implements FrameSink {
  readonly #options: GuestStackOptions;
  readonly #counters = new Counters();
  readonly #link: FrameLink;
  readonly #writer: PacketWriter;
  readonly #endpoint: TcpEndpoint;
  readonly #limits = {
    arp: new TokenBucket(50, 100),
    echo: new TokenBucket(10, 20),
    dhcp: new TokenBucket(20, 40),
    dns: new TokenBucket(200, 400),
    unreachable: new TokenBucket(10, 20),
  };

  /** Takes ownership of `stream`. */
  constructor(stream: Duplex, options: GuestStackOptions) {
    this.#options = options;
    this.#link = new FrameLink(stream, this);
    this.#writer = new PacketWriter(this.#link, options.machineMac, this.#counters);
    this.#endpoint = new TcpEndpoint(this.#writer, options);
  }

  get stats(): NetworkStats {
    const { framesIn, bytesIn, framesOut, bytesOut, refused, connectionsOverLimit, dropped } = this.#counters;
    return {
      framesIn,
      bytesIn,
      framesOut,
      bytesOut,
      refused,
      connectionsOverLimit,
      dropped: { ...dropped },
      connections: this.#endpoint.connectionCount,
      connectionsOpened: this.#endpoint.openedCount,
      waitingBytes: this.#link.waitingBytes,
    };
  }

  destroy(): void {
    this.#link.destroy();
  }

  frame(frame: Buffer): void {
    this.#counters.framesIn += 1;
    this.#counters.bytesIn += frame.length;
    if (frame.length > ETHERNET_HEADER_BYTES + this.#options.mtu) {
      this.#drop("malformed");
      return;
    }
    const ingress = inspectFrame(frame, this.#options.machineMac);
    if (ingress.kind === "drop") this.#drop(ingress.reason);
    else if (ingress.kind === "arp") this.#receiveArp(ingress.packet);
    else this.#receivePacket(ingress.packet);
  }

  batchEnd(): void {
    this.#endpoint.pump();
  }

  drained(): void {
    this.#endpoint.pump();
  }

  closed(error: WorkerError | undefined): void {
    this.#endpoint.destroy();
    this.#options.onClosed(error);
  }

  #drop(reason: DropReason): void {
    this.#counters.drop(reason);
  }

  #receiveArp(packet: ArpPacket): void {
    const reply = replyToArp(packet);
    if (reply === undefined) return;
    if (!this.#limits.arp.tryTake()) {
      this.#drop("rate-limited");
      return;
    }
    const out = this.#writer.tryAllocate(EtherType.arp, ARP_BYTES);
    if (out !== undefined) writeArp(out, reply);
  }

  #receivePacket(packet: Ipv4Packet): void {
    if (packet.protocol === IpProtocol.tcp) this.#receiveTcp(packet);
    else if (packet.protocol === IpProtocol.udp) this.#receiveUdp(packet);
    else if (packet.protocol === IpProtocol.icmp) this.#receiveIcmp(packet);
    else this.#counters.refused += 1;
  }

  #receiveTcp(packet: Ipv4Packet): void {
    const segment = tryParseTcp(packet.payload);
    if (segment === undefined) {
      this.#drop("malformed");
      return;
    }
    if (transportChecksum(packet, packet.payload) !== 0) {
      this.#drop("bad-checksum");
      return;
    }
    const { protocol, destination } = packet;
    const decision = decideFlow(this.#options.policy, {
      protocol,
      destination,
      destinationPort: segment.destinationPort,
    });
    if (decision !== "metadata") {
      this.#counters.refused += 1;
      refuseSegment(this.#writer, replyHeader(packet), segment);
      return;
    }
    const outcome = this.#endpoint.receive(segment);
    if (outcome === "rate-limited") this.#drop("rate-limited");
    if (outcome === "too-many-connections") this.#counters.connectionsOverLimit += 1;
  }

  #receiveUdp(packet: Ipv4Packet): void {
    const datagram = tryParseUdp(packet.payload);
    if (datagram === undefined) {
      this.#drop("malformed");
      return;
    }
    if (!hasValidUdpChecksum(packet, packet.payload)) {
      this.#drop("bad-checksum");
      return;
    }
    const { policy, machineMac, mtu } = this.#options;
    const { protocol, destination } = packet;
    const decision = decideFlow(policy, { protocol, destination, destinationPort: datagram.destinationPort });
    if (decision === "dhcp") this.#reply(this.#limits.dhcp, () => replyToDhcp(datagram, machineMac, mtu));
    else if (decision === "dns") this.#reply(this.#limits.dns, () => replyToDns(policy, packet, datagram));
    else this.#refuseDatagram(packet);
  }

  #receiveIcmp(packet: Ipv4Packet): void {
    const { protocol, destination } = packet;
    const decision = decideFlow(this.#options.policy, { protocol, destination, destinationPort: 0 });
    if (decision === "echo") this.#reply(this.#limits.echo, () => replyToEcho(packet));
    else this.#counters.refused += 1;
  }

  /** A guest without an address, or one that broadcasts, is not told (RFC 1122, 3.2.2). */
  #refuseDatagram(packet: Ipv4Packet): void {
    this.#counters.refused += 1;
    const told = packet.source === GUEST && packet.destination >>> 28 < 14;
    if (told && this.#limits.unreachable.tryTake()) this.#send(portUnreachable(packet));
  }

  #reply(limit: TokenBucket, reply: () => LocalReply | undefined): void {
    if (!limit.tryTake()) {
      this.#drop("rate-limited");
      return;
    }
    const answer = reply();
    if (answer === undefined) {
      this.#drop("malformed");
      return;
    }
    if (answer.refusal) this.#counters.refused += 1;
    this.#send(answer);
  }

  #send({ header, payload }: LocalReply): void {
    this.#writer.send(header, payload);
  }
}

function replyHeader({ source, destination, protocol }: Ipv4Header): Ipv4Header {
  return { source: destination, destination: source, protocol };
}
