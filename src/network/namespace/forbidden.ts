/** What no machine ever reaches, as it is now; services vet each address again when they connect. */
import { networkInterfaces } from "node:os";
import { SPECIAL_IPV4 } from "../../base/special-ranges.ts";
import type { Forbidden } from "./flow-rules.ts";

export function findForbidden(): Forbidden {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = interfaces.filter(({ family }) => family === "IPv4").map(({ address }) => address);
  return { special: SPECIAL_IPV4.map(([net, prefixLength]) => `${net}/${prefixLength}`), own: [...new Set(own)] };
}
