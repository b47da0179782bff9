/**
 * Everything a guest finds at the other end of its network card: ARP, DHCP
 * and ping of the gateway, and the services of its network and the outside.
 *
 *   frame ─▶ inspectFrame (whose is it?) ─▶ decideFlow (may it?) ─▶ the service
 *
 * The guest is hostile: every byte is checked, every answer is rate-limited or
 * bound to a connection, and what is not answered is counted. *Owns* the link
 * and the connections on it; *borrows* the services.
 */

import type { Duplex } from "node:stream";
import type { WorkerError } from "../../base/errors.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { NetworkStats } from "../guest-network.ts";
import type { NetworkLimits } from "../limits.ts";
import { ARP_BYTES, type ArpPacket, writeArp } from "../packet/arp.ts";
import { ETHERNET_HEADER_BYTES, EtherType } from "../packet/ethernet.ts";
import { IpProtocol, type Ipv4Packet } from "../packet/ipv4.ts";
import { decideFlow } from "../policy/flow.ts";
import type { NetworkServices } from "../services.ts";
import type { Carrier } from "./carrier.ts";
import { Counters } from "./counters.ts";
import { FrameLink, type FrameSink } from "./frame-link.ts";
import { inspectFrame } from "./ingress.ts";
import { replyToArp, replyToEcho } from "./local-replies.ts";
import { PacketWriter } from "./packet-writer.ts";
import { TcpGateway } from "./tcp-gateway.ts";
import { UdpGateway } from "./udp-gateway.ts";

export interface GuestStackOptions {
  /** The only source MAC address that is believed, as a uint48. */
  machineMac: number;
  /** Bytes of an IP packet; a larger one from the guest is malformed. */
  mtu: number;
  services: NetworkServices;
  limits: NetworkLimits;
  /** The link is gone; the error is undefined if either side closed it. */
  onClosed: (error: WorkerError | undefined) => void;
}

export class GuestStack implements FrameSink {
  readonly #options: GuestStackOptions;
  readonly #counters = new Counters();
  readonly #link: FrameLink;
  readonly #writer: PacketWriter;
  readonly #tcp: TcpGateway;
  readonly #udp: UdpGateway;
  readonly #limits = { arp: new TokenBucket(50, 100), echo: new TokenBucket(10, 20) };

  /** Takes ownership of `stream`. */
  constructor(stream: Duplex, options: GuestStackOptions) {
    this.#options = options;
    this.#link = new FrameLink(stream, this, options.limits);
    this.#writer = new PacketWriter(this.#link, options, this.#counters);
    const carrier: Carrier = { ...options, writer: this.#writer, counters: this.#counters };
    this.#tcp = new TcpGateway(carrier);
    this.#udp = new UdpGateway(carrier);
  }

  get stats(): NetworkStats {
    const { framesFromGuest, bytesFromGuest, framesToGuest, bytesToGuest, refused, connectionsOverLimit, dropped } =
      this.#counters;
    return {
      framesFromGuest,
      bytesFromGuest,
      framesToGuest,
      bytesToGuest,
      refused,
      connectionsOverLimit,
      dropped: { ...dropped },
      connections: this.#tcp.connectionCount,
      connectionsOpened: this.#tcp.openedCount,
      waitingBytes: this.#link.waitingBytes,
    };
  }

  /** Connects to a port of the guest. @throws {WorkerError} `network-dial-failed` */
  async dial(port: number): Promise<Duplex> {
    return await this.#tcp.dial(port);
  }

  destroy(): void {
    this.#link.destroy();
  }

  frame(frame: Buffer): void {
    this.#counters.framesFromGuest += 1;
    this.#counters.bytesFromGuest += frame.length;
    if (frame.length > ETHERNET_HEADER_BYTES + this.#options.mtu) {
      this.#counters.drop("malformed");
      return;
    }
    const ingress = inspectFrame(frame, this.#options.machineMac);
    if (ingress.kind === "drop") this.#counters.drop(ingress.reason);
    else if (ingress.kind === "arp") this.#receiveArp(ingress.packet);
    else this.#receivePacket(ingress.packet);
  }

  batchEnd(): void {
    this.#tcp.pump();
  }

  drained(): void {
    this.#tcp.pump();
  }

  closed(error: WorkerError | undefined): void {
    this.#tcp.destroy();
    this.#options.onClosed(error);
  }

  #receiveArp(packet: ArpPacket): void {
    const reply = replyToArp(packet);
    if (reply === undefined) return;
    if (!this.#limits.arp.tryTake()) {
      this.#counters.drop("rate-limited");
      return;
    }
    const out = this.#writer.tryAllocate(EtherType.arp, ARP_BYTES);
    if (out !== undefined) writeArp(out, reply);
  }

  #receivePacket(packet: Ipv4Packet): void {
    if (packet.protocol === IpProtocol.tcp) this.#tcp.receive(packet);
    else if (packet.protocol === IpProtocol.udp) this.#udp.receive(packet);
    else this.#receiveEcho(packet);
  }

  /** A ping, or a packet of a protocol that nobody here speaks. */
  #receiveEcho(packet: Ipv4Packet): void {
    const { protocol, destination } = packet;
    const flow = { protocol, destination, destinationPort: 0 };
    if (decideFlow(this.#options.services.policy, flow) !== "echo") {
      this.#counters.refused += 1;
      return;
    }
    if (!this.#limits.echo.tryTake()) {
      this.#counters.drop("rate-limited");
      return;
    }
    const reply = replyToEcho(packet);
    if (reply === undefined) this.#counters.drop("malformed");
    else this.#writer.send(reply.header, reply.payload);
  }
}
