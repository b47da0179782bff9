/** Addresses that mean the same to everybody: what is not one may be a part of this host or of the network it is in. */
import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { networkInterfaces } from "node:os";
import { SPECIAL_IPV4 } from "../base/special-ranges.ts";
import { DownloadError } from "./download-error.ts";

/** Of what is global unicast; with tunnels, which carry an IPv4 address. */
const SPECIAL_IPV6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const special = new BlockList();
for (const [net, prefix] of SPECIAL_IPV4) special.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of SPECIAL_IPV6) special.addSubnet(net, prefix, "ipv6");
const globalIpv6 = new BlockList();
globalIpv6.addSubnet("2000::", 3, "ipv6");

/** @param address IPv4 or IPv6, as text; of anything else false. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  return family === 6 && globalIpv6.check(address, "ipv6") && !special.check(address, "ipv6");
}

/**
 * Whether it is a public address of some other host: what serves on one of our own may trust whoever comes from here.
 *
 * @param listOwn This host's, in the usual form; if it throws, nothing is known to be elsewhere.
 */
export function isElsewhere(address: string, listOwn: () => readonly string[] = hostAddresses): boolean {
  if (!isPublicAddress(address)) return false;
  try {
    return !listOwn().includes(address);
  } catch {
    return false;
  }
}

/** Of all interfaces, as they are now. @throws {Error} No other file can be opened. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
}

export interface LookupLimits {
  /** Default: both. */
  readonly family?: 4;
  readonly isAllowed: (address: string) => boolean;
  /** What a lookup fails with that finds nothing that is allowed. */
  readonly fault: (hostname: string) => Error;
}

/** As `dns.lookup`, without the addresses that may not be connected to. */
export function limitedLookup({ family, isAllowed, fault }: LookupLimits): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, ...(family === undefined ? {} : { family }), all: true }, (error, found) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const addresses = found.filter(({ address }) => isAllowed(address));
      const [first] = addresses;
      if (first === undefined) callback(fault(hostname), "", 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/** Finds the addresses of a name, those of other hosts of the internet; fails if there is no such one. */
export const lookupPublic: LookupFunction = limitedLookup({
  isAllowed: (address) => isElsewhere(address),
  fault: privateAddressError,
});

export function privateAddressError(host: string): DownloadError {
  const message = `${host} has no address of the internet, and nothing else may be fetched without being named`;
  return new DownloadError("address-refused", message, { blame: "task" });
}
