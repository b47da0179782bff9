/**
 * The metadata of OpenStack, as far as cloud-init reads it. Pure.
 *
 * @see cloud-init helpers/openstack: it takes the newest version it knows of those that are listed
 */
import { json, userDataOf } from "./documents.ts";
import type { CloudInitFacts } from "./facts.ts";
import { below, type Tree } from "./tree.ts";

const VERSIONS = [
  ...["2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15"],
  ...["2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27", "latest"],
];

export function openStackTree(facts: CloudInitFacts): Tree {
  const { instanceId: uuid, hostname } = facts;
  const files = {
    "meta_data.json": json({ uuid, hostname, name: hostname, launch_index: 0 }),
    "network_data.json": json(networkData(facts)),
    user_data: userDataOf(facts),
    "vendor_data.json": json({}),
    "vendor_data2.json": json({}),
  };
  // Looked for as whole lines.
  const list: [string, string] = ["openstack", VERSIONS.join("\n")];
  return new Map([list, ...VERSIONS.flatMap((version) => below(`openstack/${version}`, files))]);
}

/** The only card asks for its address. */
function networkData({ mac }: CloudInitFacts) {
  const id = "card0";
  return {
    links: [{ id, type: "phy", ethernet_mac_address: mac }],
    networks: [{ id: "network0", link: id, type: "ipv4_dhcp", network_id: "boxcar" }],
    services: [],
  };
}
