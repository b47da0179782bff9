/** IPv4 packets (RFC 791). Fragments are written, and recognized, but never joined. */
import { addWords, checksumOf } from "./checksum.ts";

export const IPV4_HEADER_BYTES = 20;
export const IpProtocol = { icmp: 1, tcp: 6, udp: 17 } as const;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const TIME_TO_LIVE = 64;

export interface Ipv4Header {
  protocol: number;
  source: number;
  destination: number;
}

export interface Ipv4Packet extends Ipv4Header {
  /** Part of a larger packet. */
  fragment: boolean;
  /** Without options and without the padding of short ethernet frames. */
  payload: Buffer;
  /** The header with its options. */
  header: Buffer;
}

/** Undefined if the header is malformed; its checksum is a matter of {@link hasValidHeaderChecksum}. */
export function tryParseIpv4(bytes: Buffer): Ipv4Packet | undefined {
  if (bytes.length < IPV4_HEADER_BYTES) return undefined;
  const versionAndLength = bytes.readUInt8(0);
  const headerBytes = (versionAndLength & 0x0f) * 4;
  const totalBytes = bytes.readUInt16BE(2);
  if (versionAndLength >> 4 !== 4 || headerBytes < IPV4_HEADER_BYTES) return undefined;
  if (totalBytes < headerBytes || totalBytes > bytes.length) return undefined;
  return {
    protocol: bytes.readUInt8(9),
    source: bytes.readUInt32BE(12),
    destination: bytes.readUInt32BE(16),
    fragment: (bytes.readUInt16BE(6) & MORE_FRAGMENTS_OR_OFFSET) !== 0,
    payload: bytes.subarray(headerBytes, totalBytes),
    header: bytes.subarray(0, headerBytes),
  };
}

export function hasValidHeaderChecksum(packet: Ipv4Packet): boolean {
  return checksumOf(addWords(0, packet.header)) === 0;
}

/** Where a packet's payload lies in the payload of the packet it is part of. */
export interface Ipv4Fragment {
  /** The same for all parts: 16 bits. */
  id: number;
  /** A multiple of 8 bytes. */
  offset: number;
  length: number;
  /** Another part comes behind it. */
  more: boolean;
}

/** How a payload is to be cut for a link that carries packets of `mtu` bytes. */
export function fragmentsOf(payloadBytes: number, mtu: number, id: number): Ipv4Fragment[] {
  const most = Math.floor((mtu - IPV4_HEADER_BYTES) / 8) * 8;
  const fragments: Ipv4Fragment[] = [];
  for (let offset = 0; offset < payloadBytes; offset += most) {
    const length = Math.min(most, payloadBytes - offset);
    fragments.push({ id, offset, length, more: offset + length < payloadBytes });
  }
  return fragments;
}

/**
 * Writes the first {@link IPV4_HEADER_BYTES} of `out`, for a payload of `payloadBytes` behind it.
 *
 * @param fragment Undefined: the packet is whole, and is not to be cut.
 */
export function writeIpv4Header(out: Buffer, header: Ipv4Header, payloadBytes: number, fragment?: Ipv4Fragment): void {
  out.writeUInt16BE(0x4500, 0);
  out.writeUInt16BE(IPV4_HEADER_BYTES + payloadBytes, 2);
  out.writeUInt16BE(fragment?.id ?? 0, 4);
  out.writeUInt16BE(
    fragment === undefined ? DONT_FRAGMENT : (fragment.more ? MORE_FRAGMENTS : 0) | (fragment.offset / 8),
    6,
  );
  out.writeUInt16BE((TIME_TO_LIVE << 8) | header.protocol, 8);
  out.writeUInt16BE(0, 10);
  out.writeUInt32BE(header.source, 12);
  out.writeUInt32BE(header.destination, 16);
  let sum = 0;
  for (let i = 0; i < IPV4_HEADER_BYTES; i += 2) sum += out.readUInt16BE(i);
  out.writeUInt16BE(checksumOf(sum), 10);
}

/** The unfolded sum of the pseudo header that TCP and UDP checksums cover. */
export function pseudoHeaderSum(header: Ipv4Header, payloadBytes: number): number {
  const { source, destination, protocol } = header;
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + payloadBytes;
}

/** The checksum to put into a TCP or UDP header; over a valid packet it is 0. */
export function transportChecksum(header: Ipv4Header, transport: Uint8Array): number {
  return checksumOf(addWords(pseudoHeaderSum(header, transport.length), transport));
}
