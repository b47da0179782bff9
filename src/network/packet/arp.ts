/** ARP for IPv4 over ethernet (RFC 826). */

export const ARP_BYTES = 28;
export const ArpOperation = { request: 1, reply: 2 } as const;

export interface ArpPacket {
  operation: number;
  senderMac: number;
  senderAddress: number;
  targetMac: number;
  targetAddress: number;
}

export function tryParseArp(payload: Buffer): ArpPacket | undefined {
  if (payload.length < ARP_BYTES) return undefined;
  // Hardware type ethernet, protocol IPv4, address lengths 6 and 4.
  if (payload.readUInt32BE(0) !== 0x0001_0800 || payload.readUInt16BE(4) !== 0x0604) return undefined;
  return {
    operation: payload.readUInt16BE(6),
    senderMac: payload.readUIntBE(8, 6),
    senderAddress: payload.readUInt32BE(14),
    targetMac: payload.readUIntBE(18, 6),
    targetAddress: payload.readUInt32BE(24),
  };
}

/** Writes the first {@link ARP_BYTES} of `out`. */
export function writeArp(out: Buffer, packet: ArpPacket): void {
  out.writeUInt32BE(0x0001_0800, 0);
  out.writeUInt16BE(0x0604, 4);
  out.writeUInt16BE(packet.operation, 6);
  out.writeUIntBE(packet.senderMac, 8, 6);
  out.writeUInt32BE(packet.senderAddress, 14);
  out.writeUIntBE(packet.targetMac, 18, 6);
  out.writeUInt32BE(packet.targetAddress, 24);
}
