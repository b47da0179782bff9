/**
 * Who gets what the guest sends: ../policy/flow.ts as rules of nftables. Pure.
 *
 *   services of the network ─▶ a listener of the worker
 *   DNS, and what the policy may allow ─▶ carry: TCP to the transparent listener, UDP into the tun device
 *   the rest ─▶ refuse: noted, and told to the guest
 *
 * Only the chain `outside` depends on the policy. No rule looks at the state of connections, so there is no table of
 * them that a guest could fill.
 */
import { formatIpv4Address } from "../addresses.ts";
import { ADDRESSING } from "../addressing.ts";
import type { NetworkLimits } from "../limits.ts";
import type { NetworkPolicy, SubnetRule } from "../policy/network-policy.ts";
import {
  CONNECTION_MARK,
  DATAGRAM_MARK,
  DHCP_PORT,
  DNS_PORT,
  OUTSIDE_LISTENER,
  PROXY_PORT,
  REFUSED_COUNTER,
  REFUSED_SET,
  TABLE,
  TAP,
  TUN,
} from "./names.ts";
import { formatPorts } from "./ports-text.ts";
import { FLOW_TIMEOUT_MS } from "./refused-flows.ts";

const { guestAddress, gatewayAddress, metadataAddress, metadataPort } = ADDRESSING;
/** 0/8, multicast and what follows are no addresses of hosts. */
const UNICAST = "1.0.0.0-223.255.255.255";
const SYN = "tcp flags & (fin | syn | rst | ack) == syn";
/** TPROXY finds a listener for one, where the socket is that of an older connection with the same ports. */
const NO_SYN = "tcp flags & (fin | syn | rst | ack) != syn";
const FLOW = "{ ip daddr . meta l4proto . th dport counter }";
/** Each address of it stands for a name; see ../dns. */
const VIRTUAL_NET = "198.18.0.0/15";

/** What never is the outside, as `a.b.c.d/n` or one address. */
export interface Forbidden {
  /** Means something else to everybody, as in ../../http/public-address.ts. */
  readonly special: readonly string[];
  /** This host's own. */
  readonly own: readonly string[];
}

export function flowRules({ connectionsPerSecond }: Pick<NetworkLimits, "connectionsPerSecond">): string {
  return `table ip ${TABLE} {
  counter ${REFUSED_COUNTER} {
  }
  counter rate-limited {
  }
  set ${REFUSED_SET} {
    type ipv4_addr . inet_proto . inet_service
    size 4096
    flags dynamic,timeout
    timeout ${FLOW_TIMEOUT_MS / 1_000}s
    counter
  }
  chain prerouting {
    type filter hook prerouting priority mangle; policy accept;
    iifname != "${TAP}" accept
    ${SYN} limit rate over ${connectionsPerSecond}/second burst ${2 * connectionsPerSecond} packets counter name "rate-limited" drop
    ${NO_SYN} socket transparent 1 meta mark set ${CONNECTION_MARK} accept
    ip daddr ${metadataAddress} tcp dport { ${metadataPort}, ${PROXY_PORT} } accept
    ip daddr ${gatewayAddress} meta l4proto { tcp, udp } th dport ${DNS_PORT} goto carry
    ip daddr { ${gatewayAddress}, 255.255.255.255 } udp dport ${DHCP_PORT} accept
    ip daddr { ${gatewayAddress}, ${metadataAddress} } icmp type echo-request accept
    jump outside
    goto refuse
  }
  chain carry {
    meta l4proto tcp tproxy to ${OUTSIDE_LISTENER.address}:${OUTSIDE_LISTENER.port} meta mark set ${CONNECTION_MARK} accept
    # The way into the tun device is no hop.
    meta l4proto udp ip ttl set 64 meta mark set ${DATAGRAM_MARK} accept
    drop
  }
  chain outside {
  }
  chain refuse {
    counter name "${REFUSED_COUNTER}"
    ${SYN} add @${REFUSED_SET} ${FLOW}
    meta l4proto udp add @${REFUSED_SET} ${FLOW}
    meta l4proto tcp limit rate 1000/second burst 2000 packets reject with tcp reset
    meta l4proto udp ip saddr ${guestAddress} ip daddr ${UNICAST} limit rate 10/second burst 20 packets reject with icmp port-unreachable
    drop
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iifname != "${TAP}" drop
    meta mark ${CONNECTION_MARK} accept
    ip daddr ${metadataAddress} tcp dport { ${metadataPort}, ${PROXY_PORT} } accept
    ip daddr { ${gatewayAddress}, 255.255.255.255 } udp dport ${DHCP_PORT} accept
    ip daddr { ${gatewayAddress}, ${metadataAddress} } icmp type echo-request accept
  }
  chain output {
    type filter hook output priority filter; policy accept;
    icmp type { destination-unreachable, time-exceeded, parameter-problem } limit rate over 10/second burst 20 packets drop
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname "${TUN}" oifname "${TAP}" accept
    iifname "${TAP}" oifname "${TUN}" meta mark ${DATAGRAM_MARK} accept
  }
}
`;
}

/** Replaces what the policy allows, all at once. */
export function policyRules(policy: NetworkPolicy, forbidden: Forbidden): string {
  const chain = `ip ${TABLE} outside`;
  const rules = outsideRules(policy, forbidden).map((rule) => `add rule ${chain} ${rule}\n`);
  return `flush chain ${chain}\n${rules.join("")}`;
}

function outsideRules(policy: NetworkPolicy, { special, own }: Forbidden): string[] {
  if (policy.kind === "isolated") return [];
  const dns = `ip daddr ${UNICAST} meta l4proto { tcp, udp } th dport ${DNS_PORT} goto carry`;
  const never = [...special, ...own].map((addresses) => `ip daddr ${addresses} return`);
  if (policy.kind === "internet") return [dns, ...never, "meta l4proto { tcp, udp } goto carry"];
  const namePorts = policy.rules.flatMap((rule) => ("name" in rule ? rule.ports : []));
  const names = namePorts.length === 0 ? [] : [carry(VIRTUAL_NET, namePorts)];
  const subnets = policy.rules.filter((rule): rule is SubnetRule => "subnet" in rule);
  return [dns, ...names, ...never, ...subnets.map((rule) => carry(formatSubnet(rule), rule.ports))];
}

function carry(addresses: string, ports: readonly number[]): string {
  return `ip daddr ${addresses} meta l4proto { tcp, udp } th dport ${formatPorts(ports)} goto carry`;
}

function formatSubnet({ subnet, prefixLength }: SubnetRule): string {
  return `${formatIpv4Address(subnet)}/${prefixLength}`;
}
