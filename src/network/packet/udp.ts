/** UDP datagrams (RFC 768). */
import { type Ipv4Header, transportChecksum } from "./ipv4.ts";

const UDP_HEADER_BYTES = 8;

export interface UdpDatagram {
  sourcePort: number;
  destinationPort: number;
  payload: Buffer;
}

/** Undefined if it is malformed; the checksum is a matter of {@link hasValidUdpChecksum}. */
export function tryParseUdp(bytes: Buffer): UdpDatagram | undefined {
  if (bytes.length < UDP_HEADER_BYTES) return undefined;
  const length = bytes.readUInt16BE(4);
  if (length < UDP_HEADER_BYTES || length > bytes.length) return undefined;
  return {
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    payload: bytes.subarray(UDP_HEADER_BYTES, length),
  };
}

/** A checksum of 0 means that the sender made none. Takes bytes that {@link tryParseUdp} accepted. */
export function hasValidUdpChecksum(header: Ipv4Header, bytes: Buffer): boolean {
  return bytes.readUInt16BE(6) === 0 || transportChecksum(header, bytes.subarray(0, bytes.readUInt16BE(4))) === 0;
}

export function encodeUdp(header: Ipv4Header, datagram: UdpDatagram): Buffer {
  const out = Buffer.alloc(UDP_HEADER_BYTES + datagram.payload.length);
  out.writeUInt16BE(datagram.sourcePort, 0);
  out.writeUInt16BE(datagram.destinationPort, 2);
  out.writeUInt16BE(out.length, 4);
  out.set(datagram.payload, UDP_HEADER_BYTES);
  // A sum of zero is sent as its other representation, because zero says "none".
  out.writeUInt16BE(transportChecksum(header, out) || 0xffff, 6);
  return out;
}
