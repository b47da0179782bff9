/** The ICMP messages the network answers with (RFC 792). */
import { addWords, checksumOf } from "./checksum.ts";

const ICMP_HEADER_BYTES = 8;
export const IcmpType = { echoReply: 0, unreachable: 3, echoRequest: 8 } as const;
export const PORT_UNREACHABLE = 3;

export interface IcmpMessage {
  type: number;
  code: number;
  /** Bytes 4 to 7: identifier and sequence number of an echo, unused otherwise. */
  rest: number;
  body: Buffer;
}

/** Undefined if it is too short; the checksum is a matter of {@link hasValidIcmpChecksum}. */
export function tryParseIcmp(payload: Buffer): IcmpMessage | undefined {
  if (payload.length < ICMP_HEADER_BYTES) return undefined;
  return {
    type: payload.readUInt8(0),
    code: payload.readUInt8(1),
    rest: payload.readUInt32BE(4),
    body: payload.subarray(ICMP_HEADER_BYTES),
  };
}

export function hasValidIcmpChecksum(payload: Buffer): boolean {
  return checksumOf(addWords(0, payload)) === 0;
}

export function encodeIcmp(message: IcmpMessage): Buffer {
  const out = Buffer.alloc(ICMP_HEADER_BYTES + message.body.length);
  out.writeUInt8(message.type, 0);
  out.writeUInt8(message.code, 1);
  out.writeUInt32BE(message.rest, 4);
  out.set(message.body, ICMP_HEADER_BYTES);
  out.writeUInt16BE(checksumOf(addWords(0, out)), 2);
  return out;
}
