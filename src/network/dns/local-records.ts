/** Names that are answered under every policy, and by nobody else: the network's own, and those of the configuration. */
import { parseIpv4Address } from "../../base/ipv4.ts";
import { ADDRESSING } from "../addressing.ts";
import { isAskable, normalizeName, reverseName } from "./dns-name.ts";
import type { DnsRecord } from "./dns-reply.ts";
import { DnsType, nameOfType } from "./dns-type.ts";

/** Section `network.dns` of the configuration. */
export interface DnsRecordsConfig {
  /** IPv4 addresses by name. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly srv: readonly SrvRecordConfig[];
}

export interface SrvRecordConfig {
  /** Such as `_http._tcp.mirror.internal`. */
  readonly name: string;
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

const TTL_SECONDS = 300;

export class LocalRecords {
  readonly #records = new Map<string, DnsRecord[]>();

  /** @throws {TypeError} A name or an address is none, or a name is taken. */
  constructor({ hosts, srv }: DnsRecordsConfig) {
    this.#addHost(ADDRESSING.metadataName, ADDRESSING.metadataAddress);
    this.#addHost(ADDRESSING.gatewayName, ADDRESSING.gatewayAddress);
    const own = new Set(this.#records.keys());
    for (const name of [...Object.keys(hosts), ...srv.map((record) => record.name)]) {
      if (own.has(normalizeName(name))) throw new TypeError(`${JSON.stringify(name)} is a name of the network's own`);
    }
    for (const [name, address] of Object.entries(hosts)) this.#addHost(name, address);
    for (const { name, target, port, priority, weight } of srv) {
      const data = { target: parseName(target), port, priority, weight };
      this.#add(name, { type: "SRV", ttlSeconds: TTL_SECONDS, data });
    }
  }

  /** Records of a type; undefined if the name is none of ours, and empty if it has none of the type. */
  tryFind(name: string, type: number): readonly DnsRecord[] | undefined {
    const records = this.#records.get(name);
    return type === DnsType.any ? records : records?.filter((record) => record.type === nameOfType(type));
  }

  /** An address has one name, the first. */
  #addHost(name: string, address: string): void {
    parseIpv4Address(address);
    this.#add(name, { type: "A", ttlSeconds: TTL_SECONDS, data: address });
    const reverse = reverseName(address);
    if (this.#records.has(reverse)) return;
    this.#add(reverse, { type: "PTR", ttlSeconds: TTL_SECONDS, data: parseName(name) });
  }

  #add(name: string, record: DnsRecord): void {
    const key = parseName(name);
    this.#records.set(key, [...(this.#records.get(key) ?? []), record]);
  }
}

function parseName(text: string): string {
  const name = normalizeName(text);
  if (name === "" || !isAskable(name))
    throw new TypeError(`${JSON.stringify(text)} is not the name of a host or service`);
  return name;
}
