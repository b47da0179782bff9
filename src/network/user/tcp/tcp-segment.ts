/** TCP segments (RFC 9293) and the two options the network uses: MSS and window scale (RFC 7323). */
import { addWords, checksumOf } from "../../packet/checksum.ts";
import { type Ipv4Header, pseudoHeaderSum } from "../../packet/ipv4.ts";

export const TCP_HEADER_BYTES = 20;
/** MSS (4), window scale (3) and one byte of padding. */
export const TCP_SYN_OPTION_BYTES = 8;

export const TcpFlag = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

const MAX_WINDOW_SHIFT = 14;

export interface TcpHeader {
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgement: number;
  /** A union of {@link TcpFlag}. */
  flags: number;
  /** As on the wire: not scaled. */
  window: number;
}

export interface TcpOptions {
  maximumSegmentBytes: number | undefined;
  windowShift: number | undefined;
}

export interface TcpSegment extends TcpHeader {
  /** The option bytes, for {@link parseTcpOptions}. */
  options: Buffer;
  payload: Buffer;
}

/** Undefined if it is malformed; the checksum is a matter of `transportChecksum`. */
export function tryParseTcp(bytes: Buffer): TcpSegment | undefined {
  if (bytes.length < TCP_HEADER_BYTES) return undefined;
  const headerBytes = (bytes.readUInt8(12) >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > bytes.length) return undefined;
  return {
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4),
    acknowledgement: bytes.readUInt32BE(8),
    flags: bytes.readUInt8(13),
    window: bytes.readUInt16BE(14),
    options: bytes.subarray(TCP_HEADER_BYTES, headerBytes),
    payload: bytes.subarray(headerBytes),
  };
}

/** Unknown options are skipped; reading ends at the first malformed one. */
export function parseTcpOptions(options: Buffer): TcpOptions {
  const found: TcpOptions = { maximumSegmentBytes: undefined, windowShift: undefined };
  let at = 0;
  while (at < options.length) {
    const kind = options.readUInt8(at);
    if (kind === 0) break;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const length = at + 1 < options.length ? options.readUInt8(at + 1) : 0;
    if (length < 2 || at + length > options.length) break;
    if (kind === 2 && length === 4) found.maximumSegmentBytes = options.readUInt16BE(at + 2);
    if (kind === 3 && length === 3) found.windowShift = Math.min(options.readUInt8(at + 2), MAX_WINDOW_SHIFT);
    at += length;
  }
  return found;
}

/** Writes {@link TCP_SYN_OPTION_BYTES}; without a shift the scale option is padding. */
export function writeSynOptions(out: Buffer, maximumSegmentBytes: number, windowShift: number | undefined): void {
  out.writeUInt16BE(0x0204, 0);
  out.writeUInt16BE(maximumSegmentBytes, 2);
  out.writeUInt32BE(windowShift === undefined ? 0x0101_0101 : (0x0303_0001 | (windowShift << 8)) >>> 0, 4);
}

/**
 * Writes the header of a segment that is the whole of `out`: options and
 * payload must be there already, because the checksum covers them.
 */
export function writeTcpHeader(out: Buffer, ip: Ipv4Header, tcp: TcpHeader, optionBytes: number): void {
  out.writeUInt16BE(tcp.sourcePort, 0);
  out.writeUInt16BE(tcp.destinationPort, 2);
  out.writeUInt32BE(tcp.sequence, 4);
  out.writeUInt32BE(tcp.acknowledgement, 8);
  out.writeUInt16BE((((TCP_HEADER_BYTES + optionBytes) / 4) << 12) | tcp.flags, 12);
  out.writeUInt16BE(tcp.window, 14);
  out.writeUInt32BE(0, 16);
  out.writeUInt16BE(checksumOf(addWords(pseudoHeaderSum(ip, out.length), out)), 16);
}

/** The segment that refuses `segment` (RFC 9293, 3.10.7.1), or undefined: a reset is never answered. */
export function resetFor(segment: TcpSegment): TcpHeader | undefined {
  if (segment.flags & TcpFlag.rst) return undefined;
  const ports = { sourcePort: segment.destinationPort, destinationPort: segment.sourcePort, window: 0 };
  if (segment.flags & TcpFlag.ack) {
    return { ...ports, sequence: segment.acknowledgement, acknowledgement: 0, flags: TcpFlag.rst };
  }
  const syn = segment.flags & TcpFlag.syn ? 1 : 0;
  const fin = segment.flags & TcpFlag.fin ? 1 : 0;
  const acknowledgement = (segment.sequence + segment.payload.length + syn + fin) >>> 0;
  return { ...ports, sequence: 0, acknowledgement, flags: TcpFlag.rst | TcpFlag.ack };
}
