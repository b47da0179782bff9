/** Which addresses no machine ever reaches, whatever its policy: those that are not public, and those of this host. */
import { tryParseIpv4Address } from "../../base/ipv4.ts";
import { isPublicIpv4 } from "../../base/special-ranges.ts";
import { hostAddresses } from "../../http/public-address.ts";

/** Reading them costs more than deciding; an address that has just come is refused a moment later. */
const KEEP_MS = 500;

export class AddressVetting {
  readonly #list: () => readonly string[];
  readonly #nowMs: () => number;
  #own: ReadonlySet<number> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** @param list The host's own addresses, as text. */
  constructor(list = hostAddresses, nowMs: () => number = () => performance.now()) {
    this.#list = list;
    this.#nowMs = nowMs;
  }

  /** Why an address, a uint32, is not reached; undefined: it may be. */
  fault(address: number): "not public" | "the host's own" | "perhaps the host's own" | undefined {
    if (!isPublicIpv4(address)) return "not public";
    const own = this.#ownAddresses();
    if (own === undefined) return "perhaps the host's own";
    return own.has(address) ? "the host's own" : undefined;
  }

  /** As they are now, or were when they could be read: a process without room for another open file cannot. */
  #ownAddresses(): ReadonlySet<number> | undefined {
    const now = this.#nowMs();
    if (now - this.#readAtMs < KEEP_MS) return this.#own;
    try {
      this.#own = new Set(this.#list().flatMap((address) => tryParseIpv4Address(address) ?? []));
    } catch {
      // Asked again, a moment later.
    }
    this.#readAtMs = now;
    return this.#own;
  }
}
