/** Finds addresses for connections that may only go to the internet, and not to this host either. */
import { isIP } from "node:net";
import { isElsewhere, limitedLookup } from "../../http/public-address.ts";
import { ProxyError } from "./proxy-error.ts";

/** IPv4 only, as everything that guests reach. */
export const lookupVetted = limitedLookup({ family: 4, isAllowed: isVetted, fault: notPublic });

/** A URL with an address is connected to without a lookup. @throws {ProxyError} */
export function requireVettedHost({ hostname }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isVetted(host)) throw notPublic(host);
}

function isVetted(address: string): boolean {
  return isIP(address) === 4 && isElsewhere(address);
}

function notPublic(host: string): ProxyError {
  return new ProxyError("upstream-redirect", `the redirect leads to ${host}, which has no address of the internet`);
}
