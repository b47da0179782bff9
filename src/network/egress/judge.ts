/** Where a machine may go, said in one place for everything that goes there. */
import type { AddressVetting } from "../policy/address-vetting.ts";
import type { NetworkPolicy } from "../policy/network-policy.ts";
import { allowsAddress, allowsName } from "../policy/policy-match.ts";
import type { Destination } from "../services.ts";
import type { Target } from "./outside.ts";
import type { VirtualAddresses } from "./virtual-addresses.ts";

/** What an address means to a machine. */
export function targetOf({ address, port }: Destination, virtual: VirtualAddresses): Target {
  const name = virtual.nameOf(address);
  return name === undefined ? { address, port } : { name, port };
}

/** Why a target is refused; undefined: it may be tried. The addresses of a name are vetted when they are known. */
export function targetFault(policy: NetworkPolicy, target: Target, vetting: AddressVetting): string | undefined {
  if (!Number.isInteger(target.port) || target.port < 1 || target.port > 65_535) return "no port";
  if (policy.kind === "isolated") return "policy";
  if ("name" in target) return allowsName(policy, target.name, target.port) ? undefined : "policy";
  return vetting.fault(target.address) ?? (allowsAddress(policy, target.address, target.port) ? undefined : "policy");
}
