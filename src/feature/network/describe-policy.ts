/** A policy as people write and read it. Pure. */
import { type AllowRule, DEFAULT_PORTS } from "../../base/allow-rule.ts";
import { formatIpv4Address } from "../../base/ipv4.ts";
import type { FeatureNetwork } from "../../generated/feature-network.ts";
import type { NetworkPolicy } from "../../network/policy/network-policy.ts";

/** As a payload has it. */
export function formatPolicy(policy: NetworkPolicy): FeatureNetwork {
  return policy.kind === "allow" ? { allow: policy.rules.map(formatRule) } : policy.kind;
}

function formatRule(rule: AllowRule): string {
  const host = "name" in rule ? rule.name : `${formatIpv4Address(rule.subnet)}/${rule.prefixLength}`;
  const ports = rule.ports.join(",");
  return ports === DEFAULT_PORTS.join(",") ? host : `${host}:${ports}`;
}

/** On a line. */
export function describePolicy(policy: FeatureNetwork): string {
  if (typeof policy === "string") return policy;
  const { length } = policy.allow;
  return `allow, ${length} rule${length === 1 ? "" : "s"}`;
}
