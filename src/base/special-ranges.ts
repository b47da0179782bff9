/** IPv4 addresses that do not mean the same to everybody, in one list: for downloads, policies and packet filters. */
import { lastAddress, parseIpv4Address } from "./ipv4.ts";

/**
 * First address and prefix length; no two overlap.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 */
export const SPECIAL_IPV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // Azure's hosts tell their virtual machines secrets there.
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

const INTERVALS = SPECIAL_IPV4.map(([net, prefixLength]) => {
  const first = parseIpv4Address(net);
  return { net, prefixLength, first, last: lastAddress(first, prefixLength) };
});

/** @param address A uint32. */
export function isPublicIpv4(address: number): boolean {
  return !INTERVALS.some(({ first, last }) => first <= address && address <= last);
}

/** The first special range that a range of addresses touches, as `a.b.c.d/n`. */
export function findSpecialRange(first: number, last: number): string | undefined {
  const found = INTERVALS.find((range) => range.first <= last && first <= range.last);
  return found === undefined ? undefined : `${found.net}/${found.prefixLength}`;
}
