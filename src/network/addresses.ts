/** Addresses as numbers: an IPv4 address is a uint32, a MAC address a uint48. */

/** The number of a dotted quad. @throws {TypeError} It is not one. */
export function parseIpv4Address(text: string): number {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) {
    throw new TypeError(`${JSON.stringify(text)} is not an IPv4 address`);
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIpv4Address(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** The number of a MAC address such as `52:54:00:12:34:56`. @throws {TypeError} It is not one. */
export function parseMac(text: string): number {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new TypeError(`${JSON.stringify(text)} is not a MAC address`);
  }
  return Number.parseInt(text.replaceAll(":", ""), 16);
}

/** The netmask of a prefix length, as a uint32. */
export function netmask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
}
