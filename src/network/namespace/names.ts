/** What the things of a machine's network namespace are called; all of it is gone with the namespace. */

/** QEMU's end is the machine's network card. */
export const TAP = "tap0";
/** Carries datagrams for the outside to the worker, as IP packets. */
export const TUN = "tun0";
/** Of both tables of nftables. */
export const TABLE = "boxcar";
export const REFUSED_SET = "refused-flows";
/** Of frames from the guest, by {@link DropReason}, and of what nobody answers. */
export const REFUSED_COUNTER = "refused";

/** On packets of TCP connections that the worker accepts, whatever address they are for. */
export const CONNECTION_MARK = 1;
/** On datagrams that the worker gets as packets. */
export const DATAGRAM_MARK = 2;

/** Where connections to any address are accepted; nobody but the kernel's own TPROXY gets there. */
export const OUTSIDE_LISTENER = { address: "127.0.0.1", port: 3_129 } as const;
export const PROXY_PORT = 3_128;
export const DNS_PORT = 53;
export const DHCP_PORT = 67;
