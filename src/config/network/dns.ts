/** Part `dns` of the section `network`. */
import { isIPv4, isIPv6 } from "node:net";
import type { Issue } from "../../base/errors.ts";
import type { NetworkConfig } from "../../generated/network-config.ts";
import { joinPath } from "../../schema/document-path.ts";

export interface DnsSettings {
  /** Addresses, with a port where that is not 53, as Node's resolvers take them; none: those of the host. */
  readonly servers: readonly string[];
  /** Name → IPv4 address; names are in lower case, without a dot at the end. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly srv: readonly SrvSettings[];
}

export interface SrvSettings {
  readonly name: string;
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The part, with the schema's defaults in it. */
export type FilledDns = Required<Omit<Part, "srv">> & { srv: Required<NonNullable<Part["srv"]>[number]>[] };

type Part = NonNullable<NetworkConfig["dns"]>;

/** Such as metadata.boxcar.internal. */
const OWN = /(?:^|\.)boxcar\.internal$/;
const MAX_PORT = 65_535;
const MAX_NAME = 253;
/** Letters, digits and hyphens; and underscores, with which names of services begin. */
const NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/;

export function completeDns({ servers, hosts, srv }: FilledDns): DnsSettings {
  return {
    servers,
    hosts: Object.fromEntries(Object.entries(hosts).map(([name, address]) => [plainName(name), address])),
    srv: srv.map((record) => ({ ...record, name: plainName(record.name), target: plainName(record.target) })),
  };
}

export function dnsIssues(path: string, { servers, hosts, srv }: FilledDns): Issue[] {
  return [
    ...servers.flatMap((server, index) => serverIssues(`${path}.servers[${index}]`, server)),
    ...Object.entries(hosts).flatMap(([name, address]) => hostIssues(joinPath(`${path}.hosts`, name), name, address)),
    ...repeatedNames(`${path}.hosts`, Object.keys(hosts)),
    ...srv.flatMap(({ name, target }, index) => [
      ...ownNameIssues(`${path}.srv[${index}].name`, name),
      ...nameIssues(`${path}.srv[${index}].target`, target),
    ]),
  ];
}

function serverIssues(path: string, text: string): Issue[] {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isAddress = isIPv6(text) || isIPv6(bracketed ?? "") || isIPv4(plain ?? "");
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= MAX_PORT);
  if (isAddress && isPort) return [];
  const message = `${JSON.stringify(text)} is no address of a server, such as "192.0.2.53" or "[2001:db8::53]:5353"`;
  return [{ path, message }];
}

function hostIssues(path: string, name: string, address: string): Issue[] {
  const issues = ownNameIssues(path, name);
  if (!isIPv4(address)) issues.push({ path, message: `${JSON.stringify(address)} is no IPv4 address` });
  return issues;
}

/** In capitals, or with a dot at its end, it is the same name. */
function repeatedNames(path: string, names: readonly string[]): Issue[] {
  const firsts = new Map(names.toReversed().map((name) => [plainName(name), name]));
  return names.flatMap((name) => {
    const first = firsts.get(plainName(name));
    if (first === name) return [];
    return [{ path: joinPath(path, name), message: `is the same name as ${JSON.stringify(first)}; remove one` }];
  });
}

/** Of a name that gets records from here. */
function ownNameIssues(path: string, name: string): Issue[] {
  if (!OWN.test(plainName(name))) return nameIssues(path, name);
  return [{ path, message: "is kept for the network's own names; choose another" }];
}

function nameIssues(path: string, name: string): Issue[] {
  const plain = plainName(name);
  if (plain.length <= MAX_NAME && NAME.test(plain)) return [];
  return [{ path, message: `${JSON.stringify(name)} is no name of a host` }];
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
