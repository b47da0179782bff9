/**
 * The first look at a frame from the guest, in the kernel: what ../user/ingress.ts is for the other mode. Pure.
 *
 * nft 1.0.6 wants closing braces on lines of their own.
 */
import { ADDRESSING } from "../addressing.ts";
import type { NetworkLimits } from "../limits.ts";
import { DHCP_PORT, DNS_PORT, REFUSED_COUNTER, TABLE, TAP } from "./names.ts";

/** The reasons that the kernel counts, under the names of the other mode. */
export const COUNTED_REASONS = [
  "malformed",
  "spoofed-mac",
  "spoofed-address",
  "not-for-network",
  "unsupported",
  "fragment",
  "rate-limited",
] as const;

type Reason = (typeof COUNTED_REASONS)[number];

const { guestAddress, gatewayAddress, gatewayMac, metadataAddress } = ADDRESSING;
const MIN_BURST_BYTES = 256 * 1_024;

export interface GuardOptions {
  /** The only source that is believed. */
  readonly mac: string;
  /** Bytes of an IP packet; the device takes longer ones. */
  readonly mtu: number;
  readonly limits: Pick<NetworkLimits, "packetsPerSecond" | "bytesPerSecond">;
}

export function guardRules({ mac, mtu, limits }: GuardOptions): string {
  return `table netdev ${TABLE} {
${[...COUNTED_REASONS, REFUSED_COUNTER].map((name) => `  counter ${name} {\n  }`).join("\n")}
  chain ingress {
    type filter hook ingress device "${TAP}" priority 0; policy drop;
    meta length > ${mtu} ${drop("malformed")}
    ether saddr != ${mac} ${drop("spoofed-mac")}
    ether daddr != { ${gatewayMac}, ff:ff:ff:ff:ff:ff } ${drop("not-for-network")}
${rateRules(limits).join("")}    ether type arp goto arp-frame
    ether type ip goto packet
    ${drop("unsupported")}
  }
  chain arp-frame {
    arp htype != 1 drop
    arp ptype != ip drop
    arp hlen != 6 drop
    arp plen != 4 drop
    arp saddr ether != ${mac} ${drop("spoofed-mac")}
    arp saddr ip != { ${guestAddress}, 0.0.0.0 } ${drop("spoofed-address")}
    arp operation != request drop
    arp daddr ip != { ${gatewayAddress}, ${metadataAddress} } drop
    limit rate over 50/second burst 100 packets ${drop("rate-limited")}
    accept
  }
  chain packet {
    ip saddr 0.0.0.0 ip frag-off & 0x3fff == 0 udp sport 68 udp dport ${DHCP_PORT} goto dhcp
    ip saddr != ${guestAddress} ${drop("spoofed-address")}
    ip frag-off & 0x3fff != 0 ${drop("fragment")}
    udp dport ${DHCP_PORT} goto dhcp
    udp dport ${DNS_PORT} limit rate over 200/second burst 400 packets ${drop("rate-limited")}
    ip protocol { tcp, udp } accept
    ip daddr { ${gatewayAddress}, ${metadataAddress} } icmp type echo-request goto echo
    counter name "${REFUSED_COUNTER}" drop
  }
  chain dhcp {
    limit rate over 20/second burst 40 packets ${drop("rate-limited")}
    accept
  }
  chain echo {
    limit rate over 10/second burst 20 packets ${drop("rate-limited")}
    accept
  }
}
`;
}

function rateRules({ packetsPerSecond, bytesPerSecond }: GuardOptions["limits"]): string[] {
  const rules: string[] = [];
  if (packetsPerSecond !== undefined) {
    const limit = `limit rate over ${packetsPerSecond}/second burst ${2 * packetsPerSecond} packets`;
    rules.push(`    ${limit} ${drop("rate-limited")}\n`);
  }
  if (bytesPerSecond !== undefined) {
    const burst = Math.max(MIN_BURST_BYTES, Math.ceil(bytesPerSecond / 4));
    rules.push(`    limit rate over ${bytesPerSecond} bytes/second burst ${burst} bytes ${drop("rate-limited")}\n`);
  }
  return rules;
}

function drop(reason: Reason): string {
  return `counter name "${reason}" drop`;
}
