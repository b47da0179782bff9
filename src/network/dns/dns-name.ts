/** Names as text: lower case, without the last dot. */
import { tryParseIpv4Address } from "../../base/ipv4.ts";

const MAX_NAME_LENGTH = 253;
const ASKABLE = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;
const WRITABLE = /^[!-[\]-~]{1,63}$/;
const REVERSE = ".in-addr.arpa";

/** Zones of one host or one site (RFC 6761, 6762, 7686, 8375, and ICANN for `internal`); nobody outside knows them. */
const LOCAL_ZONES = ["local", "localhost", "internal", "invalid", "onion", "home.arpa", "ip6.arpa"];

/** As configured or asked, in the form used everywhere here. */
export function normalizeName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** Whether it is a name as hosts and services have them, and not a trap for a parser further on. */
export function isAskable(name: string): boolean {
  return name === "" || (name.length <= MAX_NAME_LENGTH && ASKABLE.test(name));
}

/** Whether a name that somebody else has sent can be put into a message, with nothing in it that needs escaping. */
export function isWritable(name: string): boolean {
  return name === "" || (name.length <= MAX_NAME_LENGTH && name.split(".").every((label) => WRITABLE.test(label)));
}

/** The name whose PTR record tells the name of an IPv4 address. */
export function reverseName(address: string): string {
  return `${address.split(".").reverse().join(".")}${REVERSE}`;
}

/** The address of a reverse name, a uint32; undefined if it is not one of a whole IPv4 address. */
export function tryParseReverseName(name: string): number | undefined {
  if (!name.endsWith(REVERSE)) return undefined;
  return tryParseIpv4Address(name.slice(0, -REVERSE.length).split(".").reverse().join("."));
}

/**
 * Whether nobody upstream may be asked for a name: it belongs to the host's own surroundings, about which a guest is
 * told nothing.
 *
 * @param isPublic Of a uint32.
 */
export function isLocalName(name: string, isPublic: (address: number) => boolean): boolean {
  if (LOCAL_ZONES.some((zone) => name === zone || name.endsWith(`.${zone}`))) return true;
  if (!`.${name}`.endsWith(REVERSE)) return false;
  const address = tryParseReverseName(name);
  return address === undefined || !isPublic(address);
}
