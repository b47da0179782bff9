/** What a guest is told about a name. Deciding only: nobody is asked here. */
import { formatIpv4Address, parseIpv4Address } from "../../base/ipv4.ts";
import type { VirtualAddresses } from "../egress/virtual-addresses.ts";
import type { AddressVetting } from "../policy/address-vetting.ts";
import type { NetworkPolicy } from "../policy/network-policy.ts";
import { allowsName } from "../policy/policy-match.ts";
import { isAskable, isLocalName, tryParseReverseName } from "./dns-name.ts";
import { type DnsQuery, type DnsQuestion, INTERNET_CLASS, QUERY_OPCODE } from "./dns-query.ts";
import { type DnsRecord, type DnsReply, DnsStatus } from "./dns-reply.ts";
import { DnsType, isMetaType, type RecordType, recordTypeOf } from "./dns-type.ts";
import type { LocalRecords } from "./local-records.ts";
import type { UpstreamAnswer } from "./upstream.ts";

/** What the decision needs to know of the machine. */
export interface NameRules {
  readonly policy: NetworkPolicy;
  readonly vetting: Pick<AddressVetting, "fault">;
  readonly virtual: Pick<VirtualAddresses, "addressOf" | "nameOf">;
}

export interface NameAnswer {
  readonly kind: "answer";
  readonly reply: DnsReply;
  readonly decision: "allowed" | "refused" | "failed";
  readonly reason: string | undefined;
}

export interface NameQuestion {
  readonly kind: "ask";
  readonly question: DnsQuestion;
  /** What to ask upstream for. */
  readonly type: RecordType;
}

/** A virtual address stays, but the name behind it may vanish. */
const VIRTUAL_TTL_SECONDS = 60;
const TOO_MANY_NAMES = "too many names";

/** An answer, or the question for upstream that it takes first. */
export function decideQuestion(query: DnsQuery, local: LocalRecords, rules: NameRules): NameAnswer | NameQuestion {
  const { question } = query;
  if (query.opcode !== QUERY_OPCODE) return answer("failed", DnsStatus.notImplemented, "opcode");
  if (question === undefined) return answer("failed", DnsStatus.formatError, "malformed");
  if (query.edns !== undefined && query.edns.version > 0) return answer("failed", DnsStatus.badVersion, "EDNS version");
  if (question.class !== INTERNET_CLASS) return answer("refused", DnsStatus.refused, "class");
  if (isMetaType(question.type)) return answer("failed", DnsStatus.notImplemented, "type");
  const { name } = question;
  const own = local.tryFind(name, question.type);
  if (own !== undefined) return decideOwn(name, own, rules);
  const virtual = virtualName(question, rules);
  if (virtual !== undefined) return answer("allowed", DnsStatus.ok, undefined, [virtual], true);
  if (!allowsName(rules.policy, name)) return answer("refused", DnsStatus.refused, "policy");
  if (!isAskable(name)) return answer("refused", DnsStatus.noSuchName, "not a host's name");
  if (isLocalName(name, (address) => isPublic(address, rules))) {
    return answer("refused", DnsStatus.noSuchName, "not a public name");
  }
  return { kind: "ask", question, type: recordTypeOf(question.type) ?? "A" };
}

/** An address outside can only be reached by its name if the policy allows the name and not the address. */
function decideOwn(name: string, records: readonly DnsRecord[], rules: NameRules): NameAnswer {
  const byName = rules.policy.kind === "allow" && allowsName(rules.policy, name);
  const outside = byName && records.some((record) => isPublicRecord(record, rules));
  const told = outside ? virtualRecords(name, rules) : records;
  return told === undefined ? failure(TOO_MANY_NAMES) : answer("allowed", DnsStatus.ok, undefined, told, true);
}

function virtualName({ name, type }: DnsQuestion, { virtual }: NameRules): DnsRecord | undefined {
  const address = type === DnsType.ptr ? tryParseReverseName(name) : undefined;
  const data = address === undefined ? undefined : virtual.nameOf(address);
  return data === undefined ? undefined : { type: "PTR", data, ttlSeconds: VIRTUAL_TTL_SECONDS };
}

/** What becomes of the answer of upstream. */
export function decideAnswer({ question }: NameQuestion, found: UpstreamAnswer, rules: NameRules): NameAnswer {
  switch (found.kind) {
    case "failed":
      return failure(found.reason);
    case "no-such-name":
      return answer("allowed", DnsStatus.noSuchName);
    case "no-data":
      return answer("allowed", DnsStatus.ok);
    case "records":
      return decideRecords(question, found.records, rules);
  }
}

function decideRecords(question: DnsQuestion, records: readonly DnsRecord[], rules: NameRules): NameAnswer {
  switch (recordTypeOf(question.type)) {
    // The name was only looked for; it exists.
    case undefined:
      return answer("allowed", DnsStatus.ok);
    case "A":
      return decideAddresses(question.name, records, rules);
    default:
      return answer("allowed", DnsStatus.ok, undefined, records);
  }
}

/** An upstream that answers an address of the host's surroundings does not make it reachable (DNS rebinding). */
function decideAddresses(name: string, records: readonly DnsRecord[], rules: NameRules): NameAnswer {
  const reachable = records.filter((record) => isPublicRecord(record, rules));
  if (reachable.length === 0) return answer("refused", DnsStatus.ok, "no public address");
  const told = rules.policy.kind === "allow" ? virtualRecords(name, rules) : reachable;
  return told === undefined ? failure(TOO_MANY_NAMES) : answer("allowed", DnsStatus.ok, undefined, told);
}

function isPublicRecord(record: DnsRecord, rules: NameRules): boolean {
  return record.type === "A" && isPublic(parseIpv4Address(record.data), rules);
}

function isPublic(address: number, { vetting }: NameRules): boolean {
  return vetting.fault(address) === undefined;
}

/** Undefined: the machine has no address left for another name. */
function virtualRecords(name: string, { virtual }: NameRules): DnsRecord[] | undefined {
  const address = virtual.addressOf(name);
  if (address === undefined) return undefined;
  return [{ type: "A", data: formatIpv4Address(address), ttlSeconds: VIRTUAL_TTL_SECONDS }];
}

/** The guest may try again. */
export function failure(reason: string): NameAnswer {
  return answer("failed", DnsStatus.serverFailure, reason);
}

function answer(
  decision: NameAnswer["decision"],
  status: DnsStatus,
  reason?: string,
  records: readonly DnsRecord[] = [],
  authoritative = false,
): NameAnswer {
  return { kind: "answer", decision, reason, reply: { status, authoritative, records } };
}
