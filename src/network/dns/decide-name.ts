/** What a guest is told about a name. Deciding only: nobody is asked here. */
import { formatIpv4Address, parseIpv4Address } from "../addresses.ts";
import type { NetworkPolicy } from "../policy/network-policy.ts";
import { isAskable, isLocalName } from "./dns-name.ts";
import { type DnsQuery, type DnsQuestion, INTERNET_CLASS, QUERY_OPCODE } from "./dns-query.ts";
import { type DnsRecord, type DnsReply, DnsStatus } from "./dns-reply.ts";
import { isMetaType, type RecordType, recordTypeOf } from "./dns-type.ts";
import type { LocalRecords } from "./local-records.ts";
import type { UpstreamAnswer } from "./upstream.ts";

/** What the decision needs to know of the machine. */
export interface NameRules {
  readonly policy: NetworkPolicy;
  /** Whether a rule of the policy names it, with whatever port. */
  allowsName(name: string): boolean;
  /** Whether a machine may ever reach an address, a uint32: it is public, and none of the host's own. */
  isPublic(address: number): boolean;
  /** The address, a uint32, that stands for a name in this machine; undefined: there are none left. */
  virtualAddress(name: string): number | undefined;
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
  if (own !== undefined) return answer("allowed", DnsStatus.ok, undefined, own, true);
  if (!mayAsk(name, rules)) return answer("refused", DnsStatus.refused, "policy");
  if (!isAskable(name)) return answer("refused", DnsStatus.noSuchName, "not a host's name");
  if (isLocalName(name, rules.isPublic)) return answer("refused", DnsStatus.noSuchName, "not a public name");
  return { kind: "ask", question, type: recordTypeOf(question.type) ?? "A" };
}

function mayAsk(name: string, rules: NameRules): boolean {
  switch (rules.policy.kind) {
    case "isolated":
      return false;
    case "allow":
      return rules.allowsName(name);
    case "internet":
      return true;
  }
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
  const isPublic = (record: DnsRecord) => record.type === "A" && rules.isPublic(parseIpv4Address(record.data));
  const reachable = records.filter(isPublic);
  if (reachable.length === 0) return answer("refused", DnsStatus.ok, "no public address");
  if (rules.policy.kind !== "allow") return answer("allowed", DnsStatus.ok, undefined, reachable);
  const virtual = rules.virtualAddress(name);
  if (virtual === undefined) return failure("too many names");
  const data = formatIpv4Address(virtual);
  return answer("allowed", DnsStatus.ok, undefined, [{ type: "A", data, ttlSeconds: VIRTUAL_TTL_SECONDS }]);
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
