/** DNS messages (RFC 1035): queries with one question in, replies with address records out. */

export const DnsType = { a: 1 } as const;
export const DnsClass = { internet: 1 } as const;
export const DnsStatus = { ok: 0, formatError: 1, notImplemented: 4, refused: 5 } as const;

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const RESPONSE = 0x8000;
const OPCODE_MASK = 0x7800;
const AUTHORITATIVE = 0x0400;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
/** A compressed name: "the one at the start of the question". */
const QUESTION_NAME = 0xc000 | HEADER_BYTES;

export interface DnsQuery {
  id: number;
  opcode: number;
  recursionDesired: boolean;
  /** Undefined if the query has not exactly one well-formed question. */
  question: DnsQuestion | undefined;
}

export interface DnsQuestion {
  /** In lower case, without the last dot; "" is the root. */
  name: string;
  type: number;
  class: number;
  /** As asked: a reply repeats it, letter case included. */
  bytes: Buffer;
}

export interface DnsAnswer {
  status: number;
  /** IPv4 addresses of the name asked for. */
  addresses: readonly number[];
  /** How long the answer may be kept. */
  ttlSeconds: number;
}

/** Undefined if it is no query at all. */
export function tryParseDnsQuery(bytes: Buffer): DnsQuery | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (flags & RESPONSE) return undefined;
  return {
    id: bytes.readUInt16BE(0),
    opcode: (flags & OPCODE_MASK) >> 11,
    recursionDesired: (flags & RECURSION_DESIRED) !== 0,
    question: bytes.readUInt16BE(4) === 1 ? tryParseQuestion(bytes) : undefined,
  };
}

function tryParseQuestion(bytes: Buffer): DnsQuestion | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = at < bytes.length ? bytes.readUInt8(at) : undefined;
    // A question is the first name of a message, so there is nothing that it could point back to.
    if (length === undefined || length > 63 || at + 1 + length - HEADER_BYTES > MAX_NAME_BYTES) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(bytes.subarray(at, at + length).toString("latin1"));
    at += length;
  }
  if (at + 4 > bytes.length) return undefined;
  return {
    name: labels.join(".").toLowerCase(),
    type: bytes.readUInt16BE(at),
    class: bytes.readUInt16BE(at + 2),
    bytes: bytes.subarray(HEADER_BYTES, at + 4),
  };
}

export function encodeDnsReply(query: DnsQuery, answer: DnsAnswer): Buffer {
  const question = query.question?.bytes ?? Buffer.alloc(0);
  const header = Buffer.alloc(HEADER_BYTES);
  const desired = query.recursionDesired ? RECURSION_DESIRED : 0;
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(
    RESPONSE | (query.opcode << 11) | AUTHORITATIVE | desired | RECURSION_AVAILABLE | answer.status,
    2,
  );
  header.writeUInt16BE(question.length > 0 ? 1 : 0, 4);
  header.writeUInt16BE(answer.addresses.length, 6);
  return Buffer.concat([header, question, ...answer.addresses.map((address) => record(address, answer.ttlSeconds))]);
}

function record(address: number, ttlSeconds: number): Buffer {
  const out = Buffer.alloc(16);
  out.writeUInt16BE(QUESTION_NAME, 0);
  out.writeUInt16BE(DnsType.a, 2);
  out.writeUInt16BE(DnsClass.internet, 4);
  out.writeUInt32BE(ttlSeconds, 6);
  out.writeUInt16BE(4, 10);
  out.writeUInt32BE(address, 12);
  return out;
}
