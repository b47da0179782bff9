/** Packets towards the guest: ethernet and IPv4 headers, and the account of what is sent. */
import type { Counters } from "../counters.ts";
import { GATEWAY_MAC } from "../endpoints.ts";
import { ETHERNET_HEADER_BYTES, EtherType, writeEthernetHeader } from "../packet/ethernet.ts";
import { IPV4_HEADER_BYTES, type Ipv4Header, writeIpv4Header } from "../packet/ipv4.ts";
import type { FrameLink } from "./frame-link.ts";

export class PacketWriter {
  readonly #link: FrameLink;
  readonly #machineMac: number;
  readonly #counters: Counters;

  constructor(link: FrameLink, machineMac: number, counters: Counters) {
    this.#link = link;
    this.#machineMac = machineMac;
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
    this.#counters.framesOut += 1;
    this.#counters.bytesOut += frame.length;
    writeEthernetHeader(frame, { destination: this.#machineMac, source: GATEWAY_MAC, etherType });
    return frame.subarray(ETHERNET_HEADER_BYTES);
  }

  /** Room for the payload of a packet; undefined as above. */
  tryAllocateIpv4(header: Ipv4Header, payloadBytes: number): Buffer | undefined {
    const packet = this.tryAllocate(EtherType.ipv4, IPV4_HEADER_BYTES + payloadBytes);
    if (packet === undefined) return undefined;
    writeIpv4Header(packet, header, payloadBytes);
    return packet.subarray(IPV4_HEADER_BYTES);
  }

  send(header: Ipv4Header, payload: Buffer): void {
    this.tryAllocateIpv4(header, payload.length)?.set(payload);
  }
}
