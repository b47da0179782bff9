/** What a client of DNS sends and understands, by the library that the product uses too. */
import { type Answer, type DecodedPacket, decode, encode } from "dns-packet";

export interface QueryOptions {
  /** By number, because the library does not know all. */
  type?: number;
  class?: number;
  /** No EDNS unless given. */
  udpPayloadSize?: number;
  ednsVersion?: number;
  additionals?: Answer[];
}

export function buildQuery(name: string, options: QueryOptions = {}): Buffer {
  const option: Answer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: options.udpPayloadSize ?? 0,
    extendedRcode: 0,
    ednsVersion: options.ednsVersion ?? 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  const edns = options.udpPayloadSize === undefined && options.ednsVersion === undefined ? [] : [option];
  const header = { id: 0x1234, type: "query", flags: 0x0100, questions: [{ name, type: "A" }] } as const;
  const question = encode({ ...header, questions: [...header.questions] });
  question.writeUInt16BE(options.type ?? 1, question.length - 4);
  question.writeUInt16BE(options.class ?? 1, question.length - 2);
  const additionals = [...edns, ...(options.additionals ?? [])];
  question.writeUInt16BE(additionals.length, 10);
  return Buffer.concat([question, encode({ additionals }).subarray(12)]);
}

export interface Reply extends DecodedPacket {
  status: number;
}

export function parseReply(bytes: Buffer): Reply {
  const packet = decode(bytes);
  const high = packet.additionals?.find((record) => record.type === "OPT")?.extendedRcode ?? 0;
  return { ...packet, status: (high << 4) | (bytes.readUInt16BE(2) & 0xf) };
}
