/**
 * Datagrams of the guest that the worker has to do with, as IP packets of the namespace's tun device.
 *
 * What comes has passed the rules of nftables; it is checked like any packet of a guest all the same. *Owns* the link.
 */
import type { Duplex } from "node:stream";
import type { WorkerError } from "../../base/errors.ts";
import {
  fragmentsOf,
  IPV4_HEADER_BYTES,
  IpProtocol,
  type Ipv4Fragment,
  type Ipv4Header,
  tryParseIpv4,
  writeIpv4Header,
} from "../packet/ipv4.ts";
import type { DatagramCarrier } from "../user/carrier.ts";
import { FrameLink, type FrameSink } from "../user/frame-link.ts";
import { UdpGateway } from "../user/udp-gateway.ts";

export interface DatagramRelayOptions extends Omit<DatagramCarrier, "writer"> {
  /** The link is gone. */
  onClosed: (error: WorkerError | undefined) => void;
}

export class DatagramRelay implements FrameSink {
  readonly #options: DatagramRelayOptions;
  readonly #link: FrameLink;
  readonly #gateway: UdpGateway;
  #lastId = 0;

  /** @param stream Packets with a prefix of 4 bytes, as the keeper has them. */
  constructor(stream: Duplex, options: DatagramRelayOptions) {
    this.#options = options;
    this.#link = new FrameLink(stream, this);
    this.#gateway = new UdpGateway({ ...options, writer: this });
  }

  get waitingBytes(): number {
    return this.#link.waitingBytes;
  }

  frame(frame: Buffer): void {
    const packet = tryParseIpv4(frame);
    if (packet?.protocol === IpProtocol.udp && !packet.fragment) this.#gateway.receive(packet);
    else this.#options.counters.drop("malformed");
  }

  batchEnd(): void {}

  drained(): void {}

  closed(error: WorkerError | undefined): void {
    this.#options.onClosed(error);
  }

  destroy(): void {
    this.#link.destroy();
  }

  /** What is too long for the guest's link goes in several packets; what finds no room is lost, and counted. */
  send(header: Ipv4Header, payload: Buffer): void {
    const { mtu } = this.#options;
    if (IPV4_HEADER_BYTES + payload.length <= mtu) {
      this.#write(header, payload);
      return;
    }
    this.#lastId = (this.#lastId + 1) & 0xffff;
    for (const fragment of fragmentsOf(payload.length, mtu, this.#lastId)) {
      this.#write(header, payload.subarray(fragment.offset, fragment.offset + fragment.length), fragment);
    }
  }

  #write(header: Ipv4Header, payload: Buffer, fragment?: Ipv4Fragment): void {
    const packet = this.#link.tryAllocate(IPV4_HEADER_BYTES + payload.length);
    if (packet === undefined) {
      this.#options.counters.drop("link-full");
      return;
    }
    writeIpv4Header(packet, header, payload.length, fragment);
    packet.set(payload, IPV4_HEADER_BYTES);
  }
}
