/** Finds where names that a machine may connect to are now: by the configuration, or by the machine's upstream. */
import { parseIpv4Address } from "../../base/ipv4.ts";
import { type NameLookup, OutsideError } from "../egress/outside.ts";
import { isAskable, isLocalName } from "./dns-name.ts";
import type { DnsRecord } from "./dns-reply.ts";
import { DnsType } from "./dns-type.ts";
import type { LocalRecords } from "./local-records.ts";
import type { Upstream } from "./upstream.ts";

export class RecordLookup implements NameLookup {
  readonly #records: LocalRecords;
  readonly #upstream: Upstream;

  /** Borrows both; they are those of the machine's resolver, so that both know the same. */
  constructor(records: LocalRecords, upstream: Upstream) {
    this.#records = records;
    this.#upstream = upstream;
  }

  async lookup(name: string): Promise<readonly number[]> {
    const own = this.#records.tryFind(name, DnsType.a);
    if (own !== undefined) return own.flatMap(addressOf);
    if (!isAskable(name) || isLocalName(name, () => false)) return [];
    const answer = await this.#upstream.resolve(name, "A");
    if (answer.kind === "failed")
      throw new OutsideError("failed", `its name could not be looked up (${answer.reason})`);
    return answer.kind === "records" ? answer.records.flatMap(addressOf) : [];
  }
}

function addressOf(record: DnsRecord): number[] {
  return record.type === "A" ? [parseIpv4Address(record.data)] : [];
}
