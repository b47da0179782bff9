/** What cloud-init in one machine is told. */
export interface CloudInitFacts {
  readonly source: CloudInitSource;
  /** Of the image or the task, of any kind that cloud-init knows. */
  readonly userData?: string | undefined;
  /** A label of RFC 1123 in lower case. */
  readonly hostname: string;
  /** Of this machine alone, an RFC 4122 UUID: cloud-init does its work once per instance. */
  readonly instanceId: string;
  /** Of its only network card, in lower case. */
  readonly mac: string;
  /** The agent for linux-x64 that the metadata service hands out: SHA-256, hexadecimal. */
  readonly agentSha256: string;
}

export type CloudInitSource = "disk" | "nocloud" | "ec2" | "openstack";

/** Where a guest finds its metadata service. */
export const METADATA_URL = "http://169.254.169.254";

/** As Amazon has them. */
export function ec2InstanceId({ instanceId }: Pick<CloudInitFacts, "instanceId">): string {
  return `i-${instanceId.replaceAll("-", "").slice(0, 17)}`;
}
