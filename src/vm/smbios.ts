/**
 * What firmware says of the machine, by which cloud-init knows where to look for what it is told. Pure.
 *
 * @see cloud-init tools/ds-identify: dscheck_NoCloud, ec2_identify_platform, dscheck_OpenStack
 */
import type { MergedMachine } from "./limits.ts";

type System = Pick<MergedMachine, "uuid" | "cloudInit">;

/** The version that needs a network to be read; other ones are not in all versions of cloud-init. */
const NOCLOUD = "ds=nocloud-net;s=http://169.254.169.254/cloud-init/";

/** The UUID that a guest sees. */
export function systemUuid({ uuid, cloudInit }: System): string {
  return cloudInit?.source === "ec2" ? `ec2${uuid.slice(3)}` : uuid;
}

/** Values of `-smbios`; nothing in them comes from an image or a task but the UUID. */
export function smbiosTables(system: System): string[] {
  switch (system.cloudInit?.source) {
    case undefined:
    case "disk":
      return [];
    case "nocloud":
      return [`type=1,serial=${NOCLOUD}`];
    case "ec2":
      // A machine of EC2 is one whose serial number is its UUID.
      return [`type=1,serial=${systemUuid(system)}`];
    case "openstack":
      return ["type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova"];
  }
}
