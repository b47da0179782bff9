/** The reply to a query (RFC 1035, RFC 6891): whole records, as many as fit. */
import {
  type BaseAnswer,
  type CaaAnswer,
  encode,
  type MxAnswer,
  type OptAnswer,
  type SoaAnswer,
  type SrvAnswer,
} from "dns-packet";
import { type DnsQuery, HEADER_BYTES } from "./dns-query.ts";

export const DnsStatus = {
  ok: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;
export type DnsStatus = (typeof DnsStatus)[keyof typeof DnsStatus];

/** As tools print them. */
const STATUS_NAMES = {
  [DnsStatus.ok]: "NOERROR",
  [DnsStatus.formatError]: "FORMERR",
  [DnsStatus.serverFailure]: "SERVFAIL",
  [DnsStatus.noSuchName]: "NXDOMAIN",
  [DnsStatus.notImplemented]: "NOTIMP",
  [DnsStatus.refused]: "REFUSED",
  [DnsStatus.badVersion]: "BADVERS",
} as const;
export type DnsStatusName = (typeof STATUS_NAMES)[DnsStatus];

export function nameOfStatus(status: DnsStatus): DnsStatusName {
  return STATUS_NAMES[status];
}

/** What a name has; the name is the one that was asked. */
export type DnsRecord = { readonly ttlSeconds: number } & RecordData;

export type RecordData = DataOf<
  | BaseAnswer<"A" | "CNAME" | "NS" | "PTR", string>
  | BaseAnswer<"TXT", Buffer[]>
  | CaaAnswer
  | MxAnswer
  | SoaAnswer
  | SrvAnswer
>;

type DataOf<Answer> = Answer extends { type: infer Type; data: infer Data }
  ? { readonly type: Type; readonly data: Data }
  : never;

export interface DnsReply {
  readonly status: DnsStatus;
  /** The name is our own, not one that somebody else was asked for. */
  readonly authoritative: boolean;
  readonly records: readonly DnsRecord[];
}

const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x0400;
const TRUNCATED = 0x0200;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const CHECKING_DISABLED = 0x0010;
/** A compressed name: "the one at the start of the question". */
const QUESTION_NAME = Buffer.of(0xc0, HEADER_BYTES);
const ROOT_BYTES = 1;

const MAX_TCP_BYTES = 16_384;
/** Never in fragments, over any path (RFC 9715 and DNS flag day 2020). */
export const MAX_UDP_BYTES = 1_232;
const PLAIN_UDP_BYTES = 512;

/** The longest reply that may be sent. */
export function replyLimit(query: DnsQuery, transport: "udp" | "tcp"): number {
  if (transport === "tcp") return MAX_TCP_BYTES;
  return Math.min(MAX_UDP_BYTES, Math.max(PLAIN_UDP_BYTES, query.edns?.payloadBytes ?? PLAIN_UDP_BYTES));
}

export function encodeDnsReply(query: DnsQuery, reply: DnsReply, maxBytes: number): Buffer {
  const question = query.question?.bytes ?? Buffer.alloc(0);
  const options = query.edns === undefined ? Buffer.alloc(0) : encodeOptions(reply.status);
  let room = maxBytes - HEADER_BYTES - question.length - options.length;
  const records: Buffer[] = [];
  for (const record of reply.records) {
    const bytes = encodeRecord(record);
    room -= bytes.length;
    if (room < 0) break;
    records.push(bytes);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(flagsOf(query, reply) | (room < 0 ? TRUNCATED : 0), 2);
  header.writeUInt16BE(question.length > 0 ? 1 : 0, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt16BE(options.length > 0 ? 1 : 0, 10);
  return Buffer.concat([header, question, ...records, options]);
}

function flagsOf(query: DnsQuery, reply: DnsReply): number {
  return (
    RESPONSE |
    (query.opcode << 11) |
    (reply.authoritative ? AUTHORITATIVE : 0) |
    (query.recursionDesired ? RECURSION_DESIRED : 0) |
    RECURSION_AVAILABLE |
    (query.checkingDisabled ? CHECKING_DISABLED : 0) |
    (reply.status & 0xf)
  );
}

/** The upper bits of a status have no place in the header. */
function encodeOptions(status: DnsStatus): Buffer {
  const option: OptAnswer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: MAX_UDP_BYTES,
    extendedRcode: status >> 4,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  return encode({ additionals: [option] }).subarray(HEADER_BYTES);
}

/** The library does not compress names; the one that every record has is a pointer here. */
export function encodeRecord({ ttlSeconds, ...record }: DnsRecord): Buffer {
  const message = encode({ answers: [{ ...record, name: ".", ttl: ttlSeconds, class: "IN" }] });
  return Buffer.concat([QUESTION_NAME, message.subarray(HEADER_BYTES + ROOT_BYTES)]);
}
