/** Who on a machine's network gets what the guest sends. Deciding only; nothing is sent here. */
import { ADDRESSING } from "../addressing.ts";
import { DNS_SERVER, GATEWAY, GUEST, LIMITED_BROADCAST, METADATA } from "../endpoints.ts";
import { IpProtocol } from "../packet/ipv4.ts";
import type { NetworkPolicy } from "./network-policy.ts";

export interface PacketFlow {
  /** As in the IP header. */
  readonly protocol: number;
  /** IPv4, as a uint32. */
  readonly destination: number;
  /** 0 for protocols without ports. */
  readonly destinationPort: number;
}

/** A service of the network itself; `outside`, if the services admit it; or nobody. */
export type FlowDecision = "metadata" | "proxy" | "dns" | "dhcp" | "echo" | "outside" | "refuse";

const PROXY_PORT = 3_128;
const DNS_PORT = 53;
const DHCP_PORT = 67;

export function decideFlow(policy: NetworkPolicy, flow: PacketFlow): FlowDecision {
  switch (flow.protocol) {
    case IpProtocol.tcp:
      return decideConnection(policy, flow);
    case IpProtocol.udp:
      return decideDatagram(policy, flow);
    case IpProtocol.icmp:
      return flow.destination === GATEWAY || flow.destination === METADATA ? "echo" : "refuse";
    default:
      return "refuse";
  }
}

function decideConnection(policy: NetworkPolicy, flow: PacketFlow): FlowDecision {
  const { destination, destinationPort } = flow;
  if (destination === METADATA && destinationPort === ADDRESSING.metadataPort) return "metadata";
  if (destination === METADATA && destinationPort === PROXY_PORT) return "proxy";
  return decideOther(policy, flow);
}

function decideDatagram(policy: NetworkPolicy, flow: PacketFlow): FlowDecision {
  const { destination, destinationPort } = flow;
  const toServer = destination === GATEWAY || destination === LIMITED_BROADCAST;
  return toServer && destinationPort === DHCP_PORT ? "dhcp" : decideOther(policy, flow);
}

function decideOther(policy: NetworkPolicy, { destination, destinationPort }: PacketFlow): FlowDecision {
  if (destinationPort === DNS_PORT && destination === DNS_SERVER) return "dns";
  if (policy.kind === "isolated" || !isUnicast(destination)) return "refuse";
  // Whatever name server a guest has been configured with: there is one that answers.
  if (destinationPort === DNS_PORT) return "dns";
  return isOwnNetwork(destination) ? "refuse" : "outside";
}

/** One host's address: not 0.0.0.0/8, multicast, reserved or broadcast. */
export function isUnicast(address: number): boolean {
  const first = address >>> 24;
  return first > 0 && first < 224;
}

function isOwnNetwork(address: number): boolean {
  const hostBits = 32 - ADDRESSING.prefixLength;
  return address === METADATA || address >>> hostBits === GUEST >>> hostBits;
}
