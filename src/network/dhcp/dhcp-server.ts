/** What the DHCP server of a one-machine network says: always the same lease. */
import { ADDRESSING } from "../addressing.ts";
import { DNS_SERVER, GATEWAY, GUEST, METADATA } from "../endpoints.ts";
import { type DhcpLease, type DhcpReply, type DhcpRequest, DhcpType } from "./dhcp-message.ts";

const LEASE_SECONDS = 86_400;

const LEASE: Omit<DhcpLease, "mtu"> = {
  prefixLength: ADDRESSING.prefixLength,
  router: GATEWAY,
  dns: DNS_SERVER,
  // A client that takes these ignores the router option (RFC 3442), so the default route is here too.
  routes: [
    { destination: METADATA, prefixLength: 32, router: GATEWAY },
    { destination: 0, prefixLength: 0, router: GATEWAY },
  ],
};

/** The reply to `request`, or undefined: it needs none, or it is for another server. */
export function dhcpReplyTo(request: DhcpRequest, mtu: number): DhcpReply | undefined {
  const { transaction, broadcast, clientMac, clientAddress } = request;
  const lease = { ...LEASE, mtu };
  const common = { transaction, broadcast, clientMac, clientAddress, server: GATEWAY };
  switch (request.type) {
    case DhcpType.discover:
      return { ...common, type: DhcpType.offer, yourAddress: GUEST, leaseSeconds: LEASE_SECONDS, lease };
    case DhcpType.request: {
      if (request.server !== undefined && request.server !== GATEWAY) return undefined;
      const wanted = request.requestedAddress ?? clientAddress;
      if (wanted === GUEST) {
        return { ...common, type: DhcpType.ack, yourAddress: GUEST, leaseSeconds: LEASE_SECONDS, lease };
      }
      const nak = { type: DhcpType.nak, yourAddress: 0, leaseSeconds: undefined, lease: undefined };
      return { ...common, ...nak, clientAddress: 0, broadcast: true };
    }
    case DhcpType.inform:
      return { ...common, type: DhcpType.ack, yourAddress: 0, leaseSeconds: undefined, lease };
    default:
      return undefined;
  }
}
