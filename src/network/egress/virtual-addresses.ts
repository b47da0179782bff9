/**
 * Addresses that stand for names, of one machine: a connection to one is a connection to its name, wherever that is
 * by then. They are never given to another name.
 */
import { lastAddress, parseIpv4Address } from "../../base/ipv4.ts";

/** Networks are benchmarked there (RFC 2544); nobody has an address of it. */
const FIRST = parseIpv4Address("198.18.0.0");
const LAST = lastAddress(FIRST, 15);
const MAX_NAMES = 4_096;

export function isVirtualAddress(address: number): boolean {
  return FIRST <= address && address <= LAST;
}

export class VirtualAddresses {
  readonly #addresses = new Map<string, number>();
  readonly #names = new Map<number, string>();

  /** The address of a name in lower case, a uint32; undefined if there are too many names already. */
  addressOf(name: string): number | undefined {
    const known = this.#addresses.get(name);
    if (known !== undefined || this.#addresses.size >= MAX_NAMES) return known;
    const address = FIRST + this.#addresses.size + 1;
    this.#addresses.set(name, address);
    this.#names.set(address, name);
    return address;
  }

  nameOf(address: number): string | undefined {
    return this.#names.get(address);
  }
}
