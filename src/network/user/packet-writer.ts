/** Packets towards the guest: ethernet and IPv4 headers, and the account of what is sent. */
import { GATEWAY_MAC } from "../endpoints.ts";
import { ETHERNET_HEADER_BYTES, EtherType, writeEthernetHeader } from "../packet/ethernet.ts";
import { fragmentsOf, IPV4_HEADER_BYTES, type Ipv4Fragment, type Ipv4Header, writeIpv4Header } from "../packet/ipv4.ts";
import type { Counters } from "./counters.ts";
import type { FrameLink } from "./frame-link.ts";

export interface PacketWriterOptions {
  machineMac: number;
  /** Bytes of an IP packet. */
  mtu: number;
}

export class PacketWriter {
  readonly #link: FrameLink;
  readonly #options: PacketWriterOptions;
  readonly #counters: Counters;
  #lastId = 0;

  constructor(link: FrameLink, options: PacketWriterOptions, counters: Counters) {
    this.#link = link;
    this.#options = options;
    this.#counters = counters;
  }

  get hasRoom(): boolean {
    return this.#link.hasRoom;
  }

  flush(): void {
    this.#link.flush();
  }

  /** Room for the payload of a frame, or undefined if the link is full: the frame is lost and counted. */
  tryAllocate(etherType: number, payloadBytes: number): Buffer | undefined {
    const frame = this.#link.tryAllocate(ETHERNET_HEADER_BYTES + payloadBytes);
    if (frame === undefined) {
      this.#counters.drop("link-full");
      return undefined;
    }
    this.#counters.framesToGuest += 1;
    this.#counters.bytesToGuest += frame.length;
    writeEthernetHeader(frame, { destination: this.#options.machineMac, source: GATEWAY_MAC, etherType });
    return frame.subarray(ETHERNET_HEADER_BYTES);
  }

  /** Room for the payload of a packet; undefined as above. */
  tryAllocateIpv4(header: Ipv4Header, payloadBytes: number, fragment?: Ipv4Fragment): Buffer | undefined {
    const packet = this.tryAllocate(EtherType.ipv4, IPV4_HEADER_BYTES + payloadBytes);
    if (packet === undefined) return undefined;
    writeIpv4Header(packet, header, payloadBytes, fragment);
    return packet.subarray(IPV4_HEADER_BYTES);
  }

  /** What is too long for the link goes in several packets. */
  send(header: Ipv4Header, payload: Buffer): void {
    const { mtu } = this.#options;
    if (IPV4_HEADER_BYTES + payload.length <= mtu) {
      this.tryAllocateIpv4(header, payload.length)?.set(payload);
      return;
    }
    this.#lastId = (this.#lastId + 1) & 0xffff;
    for (const fragment of fragmentsOf(payload.length, mtu, this.#lastId)) {
      const part = payload.subarray(fragment.offset, fragment.offset + fragment.length);
      this.tryAllocateIpv4(header, part.length, fragment)?.set(part);
    }
  }
}
