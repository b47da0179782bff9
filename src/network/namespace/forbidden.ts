/** What no machine ever reaches, as it is now; services vet each address again when they connect. */
import { isIPv4 } from "node:net";
import { SPECIAL_IPV4 } from "../../base/special-ranges.ts";
import { hostAddresses } from "../../http/public-address.ts";
import type { Forbidden } from "./flow-rules.ts";

export function findForbidden(): Forbidden {
  const own = hostAddresses().filter(isIPv4);
  return { special: SPECIAL_IPV4.map(([net, prefixLength]) => `${net}/${prefixLength}`), own: [...new Set(own)] };
}
