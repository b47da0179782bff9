/** The documents that cloud-init reads, the same for every source of them. Pure. */
import { agentHook } from "./agent-hook.ts";
import type { CloudInitFacts } from "./facts.ts";
import { joinUserData } from "./user-data.ts";

export function userDataOf(facts: CloudInitFacts): string {
  return joinUserData(agentHook(facts), facts.userData);
}

/** NoCloud, by file name: what is on a disk with the label CIDATA, and below a URL. JSON is YAML. */
export function noCloudFiles(facts: CloudInitFacts): Record<NoCloudFile, string> {
  return {
    "user-data": userDataOf(facts),
    "meta-data": json({ "instance-id": facts.instanceId, "local-hostname": facts.hostname }),
    "network-config": json(networkConfig(facts)),
    // Asked for again and again where there is none.
    "vendor-data": "",
  };
}

export type NoCloudFile = "user-data" | "meta-data" | "network-config" | "vendor-data";

/** Version 2, as netplan has it: the only card asks for its address. */
function networkConfig({ mac }: CloudInitFacts) {
  return { version: 2, ethernets: { id0: { match: { macaddress: mac }, dhcp4: true } } };
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
