/** Addresses as numbers: an IPv4 address is a uint32, a MAC address a uint48. */

export { formatIpv4Address, netmask, parseIpv4Address } from "../base/ipv4.ts";

/** The number of a MAC address such as `52:54:00:12:34:56`. @throws {TypeError} It is not one. */
export function parseMac(text: string): number {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new TypeError(`${JSON.stringify(text)} is not a MAC address`);
  }
  return Number.parseInt(text.replaceAll(":", ""), 16);
}
