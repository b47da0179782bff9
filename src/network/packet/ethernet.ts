/** Ethernet II frames, without the frame check sequence. */

export const ETHERNET_HEADER_BYTES = 14;
export const BROADCAST_MAC = 0xffff_ffff_ffff;

export const EtherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

export interface EthernetFrame {
  destination: number;
  source: number;
  etherType: number;
  /** A view of the frame's bytes; may be padded at the end. */
  payload: Buffer;
}

export function tryParseEthernet(frame: Buffer): EthernetFrame | undefined {
  if (frame.length < ETHERNET_HEADER_BYTES) return undefined;
  return {
    destination: frame.readUIntBE(0, 6),
    source: frame.readUIntBE(6, 6),
    etherType: frame.readUInt16BE(12),
    payload: frame.subarray(ETHERNET_HEADER_BYTES),
  };
}

/** Writes the first {@link ETHERNET_HEADER_BYTES} of `out`. */
export function writeEthernetHeader(out: Buffer, header: Omit<EthernetFrame, "payload">): void {
  out.writeUIntBE(header.destination, 0, 6);
  out.writeUIntBE(header.source, 6, 6);
  out.writeUInt16BE(header.etherType, 12);
}
