/**
 * What a client asks (RFC 1035, EDNS of RFC 6891), parsed from bytes that nobody vouches for.
 *
 * `dns-packet` reads names and options, once the counts of the message are known to be small: it makes room for as
 * many records as a header promises, and follows chains of compressed names as often as there are records.
 */
import { decode, encode } from "dns-packet";

export const QUERY_OPCODE = 0;
export const INTERNET_CLASS = 1;

export const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
/** A question and its options do not take more. */
const MAX_QUERY_BYTES = 4_096;
/** EDNS, and one record that is not understood, such as a signature. */
const MAX_ADDITIONAL_RECORDS = 2;

export interface DnsQuery {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** Undefined if the query is not exactly one well-formed question. */
  readonly question: DnsQuestion | undefined;
  readonly edns: Edns | undefined;
}

export interface DnsQuestion {
  /** Letters of ASCII in lower case, without the last dot; "" is the root. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** As asked: a reply repeats it, letter case included. */
  readonly bytes: Buffer;
}

export interface Edns {
  readonly version: number;
  /** The longest reply that the client takes as a datagram. */
  readonly payloadBytes: number;
}

/** Undefined if it is no query at all. */
export function tryParseDnsQuery(bytes: Buffer): DnsQuery | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (flags & RESPONSE) return undefined;
  return {
    id: bytes.readUInt16BE(0),
    opcode: (flags >> 11) & 0xf,
    recursionDesired: (flags & 0x0100) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    ...(tryParseSections(bytes) ?? { question: undefined, edns: undefined }),
  };
}

function tryParseSections(bytes: Buffer): Pick<DnsQuery, "question" | "edns"> | undefined {
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
  const small = questions === 1 && answers === 0 && authorities === 0 && (additionals ?? 0) <= MAX_ADDITIONAL_RECORDS;
  if (!small || bytes.length > MAX_QUERY_BYTES) return undefined;
  try {
    const packet = decode(bytes);
    const options = (packet.additionals ?? []).filter((record) => record.type === "OPT");
    const question = tryParseQuestion(bytes, packet.questions?.[0]?.name ?? "");
    if (question === undefined || options.length > 1) return undefined;
    const [option] = options;
    const edns = option && { version: option.ednsVersion, payloadBytes: option.udpPayloadSize };
    return { question, edns };
  } catch {
    return undefined;
  }
}

/** A name that is not the same again when it is written is ambiguous: dots inside labels, compression, broken UTF-8. */
function tryParseQuestion(bytes: Buffer, name: string): DnsQuestion | undefined {
  const again = encode({ questions: [{ name, type: "A", class: "IN" }] }).subarray(HEADER_BYTES);
  const nameBytes = again.length - 4;
  const own = bytes.subarray(HEADER_BYTES, HEADER_BYTES + again.length);
  if (own.length < again.length || !own.subarray(0, nameBytes).equals(again.subarray(0, nameBytes))) return undefined;
  return {
    // Not toLowerCase() of everything: it makes ASCII letters of some that are none, for example the Kelvin sign.
    name: name === "." ? "" : name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
    type: own.readUInt16BE(nameBytes),
    class: own.readUInt16BE(nameBytes + 2),
    bytes: own,
  };
}
