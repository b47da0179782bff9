/** IPv4 addresses as numbers: uint32. */

/** The number of a dotted quad. @throws {TypeError} It is not one. */
export function parseIpv4Address(text: string): number {
  const address = tryParseIpv4Address(text);
  if (address === undefined) throw new TypeError(`${JSON.stringify(text)} is not an IPv4 address`);
  return address;
}

export function tryParseIpv4Address(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) {
    return undefined;
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIpv4Address(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** The netmask of a prefix length, as a uint32. */
export function netmask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
}

/** The last address of a subnet. */
export function lastAddress(subnet: number, prefixLength: number): number {
  return (subnet | ~netmask(prefixLength)) >>> 0;
}
