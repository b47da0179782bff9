/** What the network itself answers: ARP, ping and DHCP. Deciding only; nothing is sent here. */

import { encodeDhcpReply, tryParseDhcpRequest } from "../dhcp/dhcp-message.ts";
import { dhcpReplyTo } from "../dhcp/dhcp-server.ts";
import { GATEWAY, GATEWAY_MAC, GUEST, LIMITED_BROADCAST, METADATA } from "../endpoints.ts";
import { ArpOperation, type ArpPacket } from "../packet/arp.ts";
import { encodeIcmp, hasValidIcmpChecksum, IcmpType, PORT_UNREACHABLE, tryParseIcmp } from "../packet/icmp.ts";
import { IpProtocol, type Ipv4Header, type Ipv4Packet } from "../packet/ipv4.ts";
import { encodeUdp, type UdpDatagram } from "../packet/udp.ts";

/** A packet to the guest. */
export interface LocalReply {
  header: Ipv4Header;
  payload: Buffer;
}

/** The gateway answers for itself and for the metadata address, and for nobody else. */
export function replyToArp(request: ArpPacket): ArpPacket | undefined {
  const { operation, senderMac, senderAddress, targetAddress } = request;
  if (operation !== ArpOperation.request || (targetAddress !== GATEWAY && targetAddress !== METADATA)) return undefined;
  return {
    operation: ArpOperation.reply,
    senderMac: GATEWAY_MAC,
    senderAddress: targetAddress,
    targetMac: senderMac,
    targetAddress: senderAddress,
  };
}

/** The reply to an echo request; undefined for anything else. */
export function replyToEcho(packet: Ipv4Packet): LocalReply | undefined {
  const message = tryParseIcmp(packet.payload);
  if (message?.type !== IcmpType.echoRequest || !hasValidIcmpChecksum(packet.payload)) return undefined;
  const header = { protocol: IpProtocol.icmp, source: packet.destination, destination: GUEST };
  return { header, payload: encodeIcmp({ ...message, type: IcmpType.echoReply }) };
}

/** "Port unreachable" quotes the header and the first 8 bytes of what was refused (RFC 792). */
export function portUnreachable(packet: Ipv4Packet): LocalReply {
  const quote = Buffer.concat([packet.header, packet.payload.subarray(0, 8)]);
  const payload = encodeIcmp({ type: IcmpType.unreachable, code: PORT_UNREACHABLE, rest: 0, body: quote });
  return { header: { protocol: IpProtocol.icmp, source: GATEWAY, destination: GUEST }, payload };
}

/** Undefined if it is no request, needs no answer, or names another client. */
export function replyToDhcp(datagram: UdpDatagram, machineMac: number, mtu: number): LocalReply | undefined {
  const request = tryParseDhcpRequest(datagram.payload);
  const reply = request?.clientMac === machineMac ? dhcpReplyTo(request, mtu) : undefined;
  if (reply === undefined) return undefined;
  const destination = reply.clientAddress === GUEST ? GUEST : LIMITED_BROADCAST;
  return udpReply({ source: GATEWAY, destination }, { sourcePort: 67, destinationPort: 68 }, encodeDhcpReply(reply));
}

/** A datagram to one port of the guest, from where it had sent one. */
export function datagramReply(from: { address: number; port: number }, guestPort: number, payload: Buffer): LocalReply {
  const addresses = { source: from.address, destination: GUEST };
  return udpReply(addresses, { sourcePort: from.port, destinationPort: guestPort }, payload);
}

function udpReply(
  addresses: Omit<Ipv4Header, "protocol">,
  ports: Omit<UdpDatagram, "payload">,
  payload: Buffer,
): LocalReply {
  const header = { ...addresses, protocol: IpProtocol.udp };
  return { header, payload: encodeUdp(header, { ...ports, payload }) };
}
