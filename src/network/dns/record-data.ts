/** What c-ares has read of an upstream's answer, as records to write; what cannot be written faithfully is left out. */
import type { CaaRecord, MxRecord, SoaRecord, SrvRecord } from "node:dns";
import { isWritable } from "./dns-name.ts";
import type { RecordData } from "./dns-reply.ts";

const CAA_TAGS = ["issue", "issuewild", "iodef"] as const;
const PRINTABLE = /^[ -~]{0,255}$/;

export function addressData(address: string): RecordData {
  return { type: "A", data: address };
}

export function nameData(type: "CNAME" | "NS" | "PTR", name: string): RecordData[] {
  return isWritable(name) ? [{ type, data: name }] : [];
}

export function mxData({ priority, exchange }: MxRecord): RecordData[] {
  return isWritable(exchange) ? [{ type: "MX", data: { preference: priority, exchange } }] : [];
}

export function srvData({ name, port, priority, weight }: SrvRecord): RecordData[] {
  return isWritable(name) ? [{ type: "SRV", data: { target: name, port, priority, weight } }] : [];
}

export function soaData({ nsname, hostmaster, serial, refresh, retry, expire, minttl }: SoaRecord): RecordData[] {
  if (!isWritable(nsname) || !isWritable(hostmaster)) return [];
  return [{ type: "SOA", data: { mname: nsname, rname: hostmaster, serial, refresh, retry, expire, minimum: minttl } }];
}

/** Node gives every byte as a character. */
export function txtData(chunks: readonly string[]): RecordData {
  return { type: "TXT", data: chunks.map((chunk) => Buffer.from(chunk, "latin1")) };
}

export function caaData(record: CaaRecord): RecordData[] {
  const tag = CAA_TAGS.find((candidate) => record[candidate] !== undefined);
  const value = tag === undefined ? undefined : record[tag];
  if (tag === undefined || value === undefined || !PRINTABLE.test(value)) return [];
  return [{ type: "CAA", data: { flags: record.critical, tag, value } }];
}
