/** Section `network` of the configuration: the network of every machine, and what tasks may reach through it. */
import type { Issue } from "../base/errors.ts";
import type { NetworkConfig } from "../generated/network-config.ts";
import { completeDns, type DnsSettings, dnsIssues, type FilledDns } from "./network/dns.ts";
import {
  completeNetworkLimits,
  type FilledNetworkLimits,
  type NetworkLimits,
  networkLimitsIssues,
} from "./network/limits.ts";
import {
  completeNetworkPolicy,
  type FilledNetworkPolicy,
  type NetworkPolicySettings,
  networkPolicyIssues,
  type OpenNetworkPolicy,
} from "./network/policy.ts";
import { completeProxies, type FilledProxies, type ProxySettings, proxiesIssues } from "./network/proxies.ts";
import type { Secrets } from "./secret.ts";

export interface NetworkSettings {
  readonly mode: FilledNetwork["mode"];
  readonly policy: NetworkPolicySettings;
  readonly dns: DnsSettings;
  readonly limits: NetworkLimits;
  /** By the names they have at 169.254.169.254. */
  readonly proxies: Readonly<Record<string, ProxySettings>>;
}

/** The section, with the schema's defaults in it. */
export interface FilledNetwork extends NetworkConfig {
  mode: "auto" | "user" | "namespace";
  policy: FilledNetworkPolicy;
  dns: FilledDns;
  limits: FilledNetworkLimits;
  proxies: FilledProxies;
}

/** The same, where nobody has said yet how much tasks may ask for. */
export interface OpenNetwork extends Omit<FilledNetwork, "policy"> {
  policy: OpenNetworkPolicy;
}

const PATH = "network";

export function completeNetwork({ mode, ...parts }: FilledNetwork, secrets: Secrets): NetworkSettings {
  return {
    mode,
    policy: completeNetworkPolicy(parts.policy),
    dns: completeDns(parts.dns),
    limits: completeNetworkLimits(parts.limits),
    proxies: completeProxies(`${PATH}.proxies`, parts.proxies, secrets),
  };
}

export function networkIssues({ policy, dns, limits, proxies }: FilledNetwork): Issue[] {
  return [
    ...networkPolicyIssues(`${PATH}.policy`, policy),
    ...dnsIssues(`${PATH}.dns`, dns),
    ...networkLimitsIssues(`${PATH}.limits`, limits),
    ...proxiesIssues(`${PATH}.proxies`, proxies),
  ];
}
