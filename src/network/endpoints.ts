/** {@link ADDRESSING} in the form the codecs use. */
import { parseIpv4Address, parseMac } from "./addresses.ts";
import { ADDRESSING } from "./addressing.ts";

export const GUEST = parseIpv4Address(ADDRESSING.guestAddress);
export const GATEWAY = parseIpv4Address(ADDRESSING.gatewayAddress);
export const DNS_SERVER = parseIpv4Address(ADDRESSING.dnsAddress);
export const METADATA = parseIpv4Address(ADDRESSING.metadataAddress);
export const GATEWAY_MAC = parseMac(ADDRESSING.gatewayMac);
export const UNSPECIFIED = 0;
export const LIMITED_BROADCAST = 0xffff_ffff;
