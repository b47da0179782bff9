/**
 * Asks the DNS servers of the configuration, or those of the host, by c-ares: it reads what they answer, asks again
 * by TCP what did not fit, keeps nothing, and knows nothing of the host's /etc/hosts.
 */
import { Resolver } from "node:dns/promises";
import { codeOf } from "../../base/errors.ts";
import type { DnsRecord, RecordData } from "./dns-reply.ts";
import type { RecordType } from "./dns-type.ts";
import { addressData, caaData, mxData, nameData, soaData, srvData, txtData } from "./record-data.ts";
import type { Upstream, UpstreamAnswer } from "./upstream.ts";

/** With {@link TRIES} and {@link MAX_SERVERS}, nobody waits longer than 13.5 s. */
const TIMEOUT_MS = 1_500;
const MAX_TIMEOUT_MS = 3_000;
const TRIES = 2;
const MAX_SERVERS = 3;
const MAX_RECORDS = 128;
/** Node tells the time to live of addresses only. */
const DEFAULT_TTL_SECONDS = 60;

export interface HostUpstreamOptions {
  /** IP addresses, with `:port` (IPv6: `[address]:port`) unless it is 53; none: those of the host, as they are now. */
  readonly servers: readonly string[];
}

export class HostUpstream implements Upstream {
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MS, maxTimeout: MAX_TIMEOUT_MS, tries: TRIES });

  /** @throws {TypeError} One of the servers is no IP address. */
  constructor({ servers }: HostUpstreamOptions) {
    const all = servers.length > 0 ? servers : this.#resolver.getServers();
    if (servers.length > 0 || all.length > MAX_SERVERS) this.#resolver.setServers(all.slice(0, MAX_SERVERS));
  }

  async resolve(name: string, type: RecordType): Promise<UpstreamAnswer> {
    try {
      const records = await this.#records(name, type);
      if (records.length === 0) return { kind: "no-data" };
      return { kind: "records", records: records.slice(0, MAX_RECORDS) };
    } catch (error) {
      const code = codeOf(error);
      if (code === "ENOTFOUND") return { kind: "no-such-name" };
      if (code === "ENODATA") return { kind: "no-data" };
      return { kind: "failed", reason: code ?? String(error) };
    }
  }

  async #records(name: string, type: RecordType): Promise<DnsRecord[]> {
    if (type !== "A")
      return (await this.#data(name, type)).map((data) => ({ ...data, ttlSeconds: DEFAULT_TTL_SECONDS }));
    const addresses = await this.#resolver.resolve4(name, { ttl: true });
    return addresses.map(({ address, ttl }) => ({ ...addressData(address), ttlSeconds: ttl }));
  }

  async #data(name: string, type: Exclude<RecordType, "A">): Promise<RecordData[]> {
    const resolver = this.#resolver;
    switch (type) {
      case "CNAME":
        return (await resolver.resolveCname(name)).flatMap((target) => nameData(type, target));
      case "NS":
        return (await resolver.resolveNs(name)).flatMap((target) => nameData(type, target));
      case "PTR":
        return (await resolver.resolvePtr(name)).flatMap((target) => nameData(type, target));
      case "MX":
        return (await resolver.resolveMx(name)).flatMap(mxData);
      case "SRV":
        return (await resolver.resolveSrv(name)).flatMap(srvData);
      case "SOA":
        return soaData(await resolver.resolveSoa(name));
      case "TXT":
        return (await resolver.resolveTxt(name)).map(txtData);
      case "CAA":
        return (await resolver.resolveCaa(name)).flatMap(caaData);
    }
  }

  /** Who still waits is told that it failed. */
  [Symbol.dispose](): void {
    this.#resolver.cancel();
  }
}
