/** What a task asks of its network, and whether this worker allows it. Pure. */
import { allowRuleFault, covers, tryParseAllowRule } from "../../base/allow-rule.ts";
import type { Issue } from "../../base/errors.ts";
import type { AllowBound, NetworkPolicySettings } from "../../config/network/policy.ts";
import type { FeatureNetwork } from "../../generated/feature-network.ts";
import { INTERNET, ISOLATED, type NetworkPolicy } from "../../network/policy/network-policy.ts";

const PATH = "network";

/** @param network Of which {@link networkIssues} has none. */
export function networkPolicyOf(network: FeatureNetwork = "isolated"): NetworkPolicy {
  if (network === "isolated") return ISOLATED;
  if (network === "internet") return INTERNET;
  return { kind: "allow", rules: network.allow.map(tryParseAllowRule).filter((rule) => rule !== undefined) };
}

/** @param network Of the payload; of what has another shape the schema speaks. */
export function networkIssues(network: unknown, settings: NetworkPolicySettings): Issue[] {
  if (network === "internet") return settings.max === "internet" ? [] : [refusal('"internet"', settings)];
  const entries = typeof network === "object" && network !== null && "allow" in network ? network.allow : undefined;
  if (!Array.isArray(entries)) return [];
  if (settings.max === "isolated") return [refusal("a list", settings)];
  return entries.flatMap((entry: unknown, index) => {
    const isText = typeof entry === "string" && entry !== "";
    const message = isText ? entryFault(entry, settings.allow) : undefined;
    return message === undefined ? [] : [{ path: `${PATH}.allow[${index}]`, message }];
  });
}

const OFFERS: Readonly<Record<NetworkPolicySettings["max"], string>> = {
  isolated: '"isolated" only: the machine reaches the service at 169.254.169.254 and nothing else',
  allow: '"isolated" and lists of names and subnets, as {allow: […]}',
  internet: "every policy",
};

function refusal(what: string, { max }: NetworkPolicySettings): Issue {
  const message = `${what} is refused: this worker offers ${OFFERS[max]}; network.policy.max of its configuration permits more`;
  return { path: PATH, message };
}

function entryFault(entry: string, bound: AllowBound | undefined): string | undefined {
  const rule = tryParseAllowRule(entry);
  if (rule === undefined) return allowRuleFault(entry);
  if (bound === undefined || covers(bound.rules, rule)) return undefined;
  const allowed = listed(bound.entries);
  return `is more than this worker allows, which is ${allowed}; network.policy.allow of its configuration permits more`;
}

const MAX_LISTED = 20;

function listed(entries: readonly string[]): string {
  const shown = entries.slice(0, MAX_LISTED).join(", ");
  if (entries.length > MAX_LISTED) return `${shown} and ${entries.length - MAX_LISTED} more`;
  return shown || "nothing";
}
