/** What makes a network namespace fit for a machine, as a shell script run inside; any fault ends it. Pure. */
import { ADDRESSING } from "../addressing.ts";
import type { NetworkLimits } from "../limits.ts";
import { flowRules } from "./flow-rules.ts";
import { guardRules } from "./guard-rules.ts";
import { CONNECTION_MARK, DATAGRAM_MARK, TAP, TUN } from "./names.ts";

export interface SetupOptions {
  /** Of the machine's network card. */
  mac: string;
  /** Bytes of an IP packet. */
  mtu: number;
  /** Who may attach to the tap device, as the namespace numbers users. */
  uid: number;
  limits: NetworkLimits;
  /** For nft, after those that all machines have. */
  rules: string;
}

const CONNECTION_TABLE = 100;
const DATAGRAM_TABLE = 101;
const LOCAL_PREFERENCE = 100;
/** Packets that wait for the worker to read them. */
const TUN_QUEUE_PACKETS = 128;
const SHAPER_LATENCY_MS = 100;
const MIN_BURST_BYTES = 128 * 1_024;

const { guestAddress, prefixLength, gatewayAddress, gatewayMac, metadataAddress } = ADDRESSING;

/** The settings of a new namespace may be those of the host. */
const SETTINGS: Readonly<Record<string, number>> = {
  "ipv4/ip_forward": 1,
  "ipv4/conf/all/rp_filter": 0,
  [`ipv4/conf/${TAP}/rp_filter`]: 0,
  [`ipv4/conf/${TUN}/rp_filter`]: 0,
  // DNS replies come from there in the name of the gateway.
  [`ipv4/conf/${TUN}/accept_local`]: 1,
  "ipv4/conf/all/arp_ignore": 1,
  "ipv4/conf/all/proxy_arp": 0,
  [`ipv4/conf/${TAP}/proxy_arp`]: 0,
  "ipv4/conf/all/route_localnet": 0,
  [`ipv4/conf/${TAP}/route_localnet`]: 0,
  "ipv4/conf/all/send_redirects": 0,
  [`ipv4/conf/${TAP}/send_redirects`]: 0,
  "ipv4/conf/all/accept_source_route": 0,
  "ipv4/conf/all/accept_redirects": 0,
  // The rules limit what a guest is told; the kernel would take it from what the whole host may say.
  "ipv4/icmp_ratelimit": 0,
  "ipv4/icmp_ratemask": 0,
};

/** The script runs its arguments, if all went well, in place of itself. */
export function setupScript(options: SetupOptions): string {
  const settings = Object.entries(SETTINGS).map(([name, value]) => `echo ${value} >/proc/sys/net/${name}\n`);
  return `set -e
ip -batch - <<'END'
${deviceCommands(options)}END
${settings.join("")}if [ -e /proc/sys/net/ipv6 ]; then echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; fi
${shaper(options)}nft -f - <<'END'
${guardRules(options)}${flowRules(options.limits)}${options.rules}END
exec "$@"
`;
}

/** For `ip -batch`. Marks come before local addresses: DNS to any address is a matter of the worker. */
function deviceCommands({ mac, mtu, uid }: SetupOptions): string {
  return `link set lo up
tuntap add dev ${TAP} mode tap user ${uid}
tuntap add dev ${TUN} mode tun
link set dev ${TAP} address ${gatewayMac} mtu ${mtu} addrgenmode none
link set dev ${TUN} mtu ${mtu} txqueuelen ${TUN_QUEUE_PACKETS} addrgenmode none
addr add ${gatewayAddress}/${prefixLength} dev ${TAP}
addr add ${metadataAddress}/32 dev ${TAP}
link set dev ${TAP} up
link set dev ${TUN} up
neigh replace ${guestAddress} lladdr ${mac} dev ${TAP} nud permanent
route add local default dev lo table ${CONNECTION_TABLE}
route add default dev ${TUN} table ${DATAGRAM_TABLE}
rule add pref ${CONNECTION_MARK} fwmark ${CONNECTION_MARK} lookup ${CONNECTION_TABLE}
rule add pref ${DATAGRAM_MARK} fwmark ${DATAGRAM_MARK} lookup ${DATAGRAM_TABLE}
rule add pref ${LOCAL_PREFERENCE} lookup local
rule del pref 0
`;
}

/** Holds back what goes to the guest; what comes from it is held back by the guard. */
function shaper({ mtu, limits: { bytesPerSecond } }: SetupOptions): string {
  if (bytesPerSecond === undefined) return "";
  const burst = Math.max(MIN_BURST_BYTES, 4 * mtu, Math.ceil(bytesPerSecond / 50));
  const rate = `rate ${8 * bytesPerSecond}bit burst ${burst} latency ${SHAPER_LATENCY_MS}ms`;
  return `tc qdisc replace dev ${TAP} root tbf ${rate}\n`;
}
