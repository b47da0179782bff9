/** Finds addresses for connections that may only go to the internet, and not to this host either. */
import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { tryParseIpv4Address } from "../../base/ipv4.ts";
import { AddressVetting } from "../policy/address-vetting.ts";
import { ProxyError } from "./proxy-error.ts";

const vetting = new AddressVetting();

/** As `dns.lookup`, without the addresses that may not be connected to. IPv4 only. */
export const lookupVetted: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { family: 4, all: true }, (error, found) => {
    if (error !== null) {
      callback(error, "", 0);
      return;
    }
    const addresses = found.filter(({ address }) => isVetted(address));
    const [first] = addresses;
    if (first === undefined) callback(notPublic(hostname), "", 0);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

/** A URL with an address is connected to without a lookup. @throws {ProxyError} */
export function requireVettedHost({ hostname }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isVetted(host)) throw notPublic(host);
}

function isVetted(address: string): boolean {
  const parsed = tryParseIpv4Address(address);
  return parsed !== undefined && vetting.fault(parsed) === undefined;
}

function notPublic(host: string): ProxyError {
  return new ProxyError("upstream-redirect", `the redirect leads to ${host}, which has no address of the internet`);
}
