/** What a machine could leave behind on the host of an {@link OutsideWorld}. */
import { readdir, readFile, readlink } from "node:fs/promises";
import type { OutsideWorld } from "./outside-world.ts";

export interface HostState {
  /** As `ip` and `nft` show them. */
  readonly network: Readonly<Record<string, string>>;
  /** Network namespaces that a process of the host is in; its own is left out. */
  readonly namespaces: readonly string[];
  /** Command lines of its processes. */
  readonly processes: readonly string[];
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  links: ["ip", "-oneline", "link"],
  addresses: ["ip", "-oneline", "address"],
  routes: ["ip", "route", "show", "table", "all"],
  rules: ["ip", "rule"],
  neighbours: ["ip", "neighbour", "show", "nud", "permanent"],
  namespaces: ["ip", "netns"],
  nftables: ["nft", "list", "ruleset"],
  forwarding: ["cat", "/proc/sys/net/ipv4/ip_forward"],
};

export async function inspectHost(world: OutsideWorld): Promise<HostState> {
  const network: Record<string, string> = {};
  for (const [name, command] of Object.entries(COMMANDS)) {
    // What the kernel says of an address that is still being checked is a matter of time.
    network[name] = (await world.exec(command)).replaceAll(/ tentative\b/g, "");
  }
  const found = await processesOf(world);
  return {
    network,
    namespaces: [...new Set(found.map(({ namespace }) => namespace))].sort(),
    processes: found.map(({ command }) => command).sort(),
  };
}

/** Those that share the host's mounts, wherever their network is; the host's own servers are left out. */
async function processesOf({ hostPid }: OutsideWorld): Promise<{ command: string; namespace: string }[]> {
  const [mounts, network] = [await readlink(`/proc/${hostPid}/ns/mnt`), await readlink(`/proc/${hostPid}/ns/net`)];
  const found: { command: string; namespace: string }[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== hostPid)) {
    const own = await readlink(`/proc/${pid}/ns/mnt`).catch(() => "");
    if (own !== mounts) continue;
    const [namespace = "", command = ""] = await Promise.all([
      readlink(`/proc/${pid}/ns/net`).catch(() => network),
      readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
    ]);
    if (command !== "") found.push({ command: command.replaceAll("\0", " ").trim(), namespace });
  }
  return found.map((one) => (one.namespace === network ? { ...one, namespace: "the host's" } : one));
}
