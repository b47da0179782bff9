/**
 * The first look at a frame from the guest: only what comes from the machine's
 * own MAC and IP address, in whole packets, gets any further.
 */

import { GATEWAY_MAC, GUEST, UNSPECIFIED } from "../endpoints.ts";
import { type ArpPacket, tryParseArp } from "../packet/arp.ts";
import { BROADCAST_MAC, EtherType, tryParseEthernet } from "../packet/ethernet.ts";
import { hasValidHeaderChecksum, IpProtocol, type Ipv4Packet, tryParseIpv4 } from "../packet/ipv4.ts";

/** Why a frame, or what it carried, went no further. */
export type DropReason =
  | "malformed"
  | "bad-checksum"
  | "spoofed-mac"
  | "spoofed-address"
  | "not-for-network"
  | "unsupported"
  | "fragment"
  | "rate-limited"
  | "too-many-queries"
  | "link-full";

export type Ingress =
  | { kind: "arp"; packet: ArpPacket }
  | { kind: "ipv4"; packet: Ipv4Packet }
  | { kind: "drop"; reason: DropReason };

/** @param machineMac The only source that is believed. */
export function inspectFrame(bytes: Buffer, machineMac: number): Ingress {
  const frame = tryParseEthernet(bytes);
  if (frame === undefined) return drop("malformed");
  if (frame.source !== machineMac) return drop("spoofed-mac");
  if (frame.destination !== GATEWAY_MAC && frame.destination !== BROADCAST_MAC) return drop("not-for-network");
  if (frame.etherType === EtherType.ipv4) return inspectIpv4(frame.payload);
  if (frame.etherType === EtherType.arp) return inspectArp(frame.payload, machineMac);
  return drop("unsupported");
}

function inspectIpv4(payload: Buffer): Ingress {
  const packet = tryParseIpv4(payload);
  if (packet === undefined) return drop("malformed");
  if (packet.source !== GUEST && !isFromUnconfiguredClient(packet)) return drop("spoofed-address");
  if (packet.fragment) return drop("fragment");
  if (!hasValidHeaderChecksum(packet)) return drop("bad-checksum");
  return { kind: "ipv4", packet };
}

/** A DHCP client has no address yet: UDP from port 68 to port 67. */
function isFromUnconfiguredClient({ source, protocol, payload }: Ipv4Packet): boolean {
  if (source !== UNSPECIFIED || protocol !== IpProtocol.udp || payload.length < 4) return false;
  return payload.readUInt32BE(0) === ((68 << 16) | 67);
}

function inspectArp(payload: Buffer, machineMac: number): Ingress {
  const packet = tryParseArp(payload);
  if (packet === undefined) return drop("malformed");
  if (packet.senderMac !== machineMac) return drop("spoofed-mac");
  // Before it uses an address, a guest may probe for it without a sender address (RFC 5227).
  if (packet.senderAddress !== GUEST && packet.senderAddress !== UNSPECIFIED) return drop("spoofed-address");
  return { kind: "arp", packet };
}

function drop(reason: DropReason): Ingress {
  return { kind: "drop", reason };
}
