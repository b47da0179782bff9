/** Part `policy` of the section `network`: the most that a task may ask for. */
import { type AllowRule, allowRuleFault, tryParseAllowRule } from "../../base/allow-rule.ts";
import type { Issue } from "../../base/errors.ts";
import type { NetworkConfig } from "../../generated/network-config.ts";

export interface NetworkPolicySettings {
  readonly max: "isolated" | "allow" | "internet";
  /** What the lists of tasks must be within; undefined: everything public. */
  readonly allow: AllowBound | undefined;
}

export interface AllowBound {
  readonly rules: readonly AllowRule[];
  /** As people wrote them. */
  readonly entries: readonly string[];
}

export type OpenNetworkPolicy = NonNullable<NetworkConfig["policy"]>;

/** The part, with the schema's defaults in it. */
export type FilledNetworkPolicy = OpenNetworkPolicy & { max: NetworkPolicySettings["max"] };

/** Who bounds lists does not mean that tasks can do without one. */
export function withPolicyDefaults(policy: OpenNetworkPolicy): FilledNetworkPolicy {
  return { ...policy, max: policy.max ?? (policy.allow === undefined ? "internet" : "allow") };
}

export function completeNetworkPolicy({ max, allow }: FilledNetworkPolicy): NetworkPolicySettings {
  if (allow === undefined) return { max, allow };
  const rules = allow.map(tryParseAllowRule).filter((rule) => rule !== undefined);
  return { max, allow: { rules, entries: allow } };
}

export function networkPolicyIssues(path: string, { max, allow }: FilledNetworkPolicy): Issue[] {
  if (allow !== undefined && max === "internet") {
    const message = `bounds nothing, because ${path}.max is internet, which needs no list; set that to allow`;
    return [{ path: `${path}.allow`, message }];
  }
  return (allow ?? []).flatMap((entry, index) => {
    const message = allowRuleFault(entry);
    return message === undefined ? [] : [{ path: `${path}.allow[${index}]`, message }];
  });
}
