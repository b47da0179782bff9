/** Types of records, by their numbers (RFC 1035 and later). */

export const DnsType = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  ptr: 12,
  mx: 15,
  txt: 16,
  aaaa: 28,
  srv: 33,
  any: 255,
  caa: 257,
} as const;

/** What is passed on from upstream. */
export type RecordType = "A" | "NS" | "CNAME" | "SOA" | "PTR" | "MX" | "TXT" | "SRV" | "CAA";

const PASSED_ON: ReadonlyMap<number, RecordType> = new Map([
  [DnsType.a, "A"],
  // One set of records is a complete answer to "any" (RFC 8482).
  [DnsType.any, "A"],
  [DnsType.ns, "NS"],
  [DnsType.cname, "CNAME"],
  [DnsType.soa, "SOA"],
  [DnsType.ptr, "PTR"],
  [DnsType.mx, "MX"],
  [DnsType.txt, "TXT"],
  [DnsType.srv, "SRV"],
  [DnsType.caa, "CAA"],
]);

/** Undefined: a guest is told that a name has no record of the type. */
export function recordTypeOf(type: number): RecordType | undefined {
  return PASSED_ON.get(type);
}

/** Transfers of zones, keys and the like, which are no types of records (RFC 6895, 3.1); "any" is a question. */
export function isMetaType(type: number): boolean {
  return type >= 128 && type <= 254;
}

const NAMES: ReadonlyMap<number, string> = new Map([...PASSED_ON, [DnsType.any, "ANY"], [DnsType.aaaa, "AAAA"]]);

/** For people to read: `SRV`, or `TYPE65` (RFC 3597) for one without a name here. */
export function nameOfType(type: number): string {
  return NAMES.get(type) ?? `TYPE${type}`;
}
