/**
 * The metadata of Amazon's EC2, as far as cloud-init reads it; there are no credentials in it. Pure.
 *
 * @see cloud-init DataSourceEc2, helpers/ec2: it wants the newest version it knows, or 2009-04-04
 */
import { json, userDataOf } from "./documents.ts";
import { type CloudInitFacts, ec2InstanceId } from "./facts.ts";
import { below, type Tree } from "./tree.ts";

const VERSIONS = ["2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"];
const INSTANCE_TYPE = "boxcar";
const IMAGE_ID = "ami-boxcar";

export function ec2Tree(facts: CloudInitFacts): Tree {
  const { hostname, mac } = facts;
  const instanceId = ec2InstanceId(facts);
  const identity = { architecture: "x86_64", imageId: IMAGE_ID, instanceId, instanceType: INSTANCE_TYPE };
  const card = `network/interfaces/macs/${mac}`;
  const metaData = {
    "ami-id": IMAGE_ID,
    "ami-launch-index": "0",
    hostname,
    "instance-id": instanceId,
    "instance-type": INSTANCE_TYPE,
    "local-hostname": hostname,
    mac,
    [`${card}/device-number`]: "0",
    [`${card}/mac`]: mac,
    // Cards of machines that are in no such network are set up anew at each boot.
    [`${card}/vpc-id`]: "vpc-boxcar",
  };
  const userData = userDataOf(facts);
  return new Map(
    VERSIONS.flatMap((version) => [
      ...below(`${version}/meta-data`, metaData),
      [`${version}/dynamic/instance-identity/document`, json(identity)] as const,
      [`${version}/user-data`, userData] as const,
    ]),
  );
}
