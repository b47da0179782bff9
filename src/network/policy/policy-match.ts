/** What a policy allows. Pure; whether an address is one that may be reached at all is said by {@link AddressVetting}. */
import { matchesName } from "../../base/allow-rule.ts";
import { netmask } from "../../base/ipv4.ts";
import type { NetworkPolicy, SubnetRule } from "./network-policy.ts";

/**
 * @param name In lower case, without the last dot.
 * @param port Undefined: some port.
 */
export function allowsName(policy: NetworkPolicy, name: string, port?: number): boolean {
  if (policy.kind !== "allow") return policy.kind === "internet";
  return policy.rules.some((rule) => "name" in rule && allowsPort(rule, port) && matchesName(rule.name, name));
}

/**
 * @param address A uint32.
 * @param port Undefined: some port.
 */
export function allowsAddress(policy: NetworkPolicy, address: number, port?: number): boolean {
  if (policy.kind !== "allow") return policy.kind === "internet";
  return policy.rules.some((rule) => "subnet" in rule && allowsPort(rule, port) && matchesAddress(rule, address));
}

function allowsPort({ ports }: { readonly ports: readonly number[] }, port: number | undefined): boolean {
  return port === undefined || ports.includes(port);
}

function matchesAddress({ subnet, prefixLength }: SubnetRule, address: number): boolean {
  return (address & netmask(prefixLength)) >>> 0 === subnet;
}
