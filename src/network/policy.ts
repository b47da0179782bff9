/**
 * What a machine may reach: the one place that decides. `isolated` allows the
 * services of the network itself and nothing else.
 */
import { ADDRESSING } from "./addressing.ts";
import { type DnsAnswer, DnsClass, type DnsQuery, DnsStatus, DnsType } from "./dns/dns-message.ts";
import { DNS_SERVER, GATEWAY, LIMITED_BROADCAST, METADATA } from "./endpoints.ts";
import { IpProtocol } from "./packet/ipv4.ts";

export type NetworkPolicy = "isolated";

export interface Flow {
  protocol: number;
  destination: number;
  /** 0 for protocols without ports. */
  destinationPort: number;
}

/** The service of the network that a flow is for, or its refusal. */
export type FlowDecision = "metadata" | "dns" | "dhcp" | "echo" | "refuse";

const DNS_PORT = 53;
const DHCP_PORT = 67;
const QUERY_OPCODE = 0;
const METADATA_TTL_SECONDS = 300;

export function decideFlow(_policy: NetworkPolicy, flow: Flow): FlowDecision {
  const { protocol, destination, destinationPort } = flow;
  if (protocol === IpProtocol.tcp) {
    return destination === METADATA && destinationPort === ADDRESSING.metadataPort ? "metadata" : "refuse";
  }
  if (protocol === IpProtocol.udp) {
    if (destination === DNS_SERVER && destinationPort === DNS_PORT) return "dns";
    const toServer = destination === GATEWAY || destination === LIMITED_BROADCAST;
    return toServer && destinationPort === DHCP_PORT ? "dhcp" : "refuse";
  }
  if (protocol === IpProtocol.icmp) return destination === GATEWAY || destination === METADATA ? "echo" : "refuse";
  return "refuse";
}

/** Refused, not "no such name": it is the policy that says no, whether the name exists or not. */
export function decideName(_policy: NetworkPolicy, query: DnsQuery): DnsAnswer {
  const { opcode, question } = query;
  if (opcode !== QUERY_OPCODE) return answer(DnsStatus.notImplemented);
  if (question === undefined) return answer(DnsStatus.formatError);
  if (question.name !== ADDRESSING.metadataName || question.class !== DnsClass.internet) {
    return answer(DnsStatus.refused);
  }
  return answer(DnsStatus.ok, question.type === DnsType.a ? [METADATA] : []);
}

function answer(status: number, addresses: readonly number[] = []): DnsAnswer {
  return { status, addresses, ttlSeconds: METADATA_TTL_SECONDS };
}
