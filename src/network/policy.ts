/** What an isolated machine is told about names: of its own there is one, and of others nothing. */
import { ADDRESSING } from "./addressing.ts";
import { type DnsAnswer, DnsClass, type DnsQuery, DnsStatus, DnsType } from "./dns/dns-message.ts";
import { METADATA } from "./endpoints.ts";

const QUERY_OPCODE = 0;
const METADATA_TTL_SECONDS = 300;

/** Refused, not "no such name": it is the policy that says no, whether the name exists or not. */
export function decideName(query: DnsQuery): DnsAnswer {
  const { opcode, question } = query;
  if (opcode !== QUERY_OPCODE) return answer(DnsStatus.notImplemented);
  if (question === undefined) return answer(DnsStatus.formatError);
  if (question.name !== ADDRESSING.metadataName || question.class !== DnsClass.internet) {
    return answer(DnsStatus.refused);
  }
  return answer(DnsStatus.ok, question.type === DnsType.a ? [METADATA] : []);
}

function answer(status: number, addresses: readonly number[] = []): DnsAnswer {
  return { status, addresses, ttlSeconds: METADATA_TTL_SECONDS };
}
