/** A policy on a line. Pure. */
import type { NetworkPolicy } from "../../network/policy/network-policy.ts";

export function describePolicy(policy: NetworkPolicy): string {
  if (policy.kind !== "allow") return policy.kind;
  const { length } = policy.rules;
  return `allow, ${length} rule${length === 1 ? "" : "s"}`;
}
