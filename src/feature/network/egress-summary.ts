/** What a machine asked of its network, counted for the last line about it in the log of its task. */
import { formatBytes } from "../../base/units.ts";
import type { EgressEntry } from "../../network/egress/egress-entry.ts";
import type { NetworkStats } from "../../network/guest-network.ts";

/** So many different names are told apart; a guest may ask for any number. */
const MAX_NAMES = 10_000;

interface Count {
  total: number;
  refused: number;
}

export class EgressSummary {
  /** Whether it was refused, by name. */
  readonly #names = new Map<string, boolean>();
  readonly #connections: Count = { total: 0, refused: 0 };
  readonly #datagrams: Count = { total: 0, refused: 0 };
  #bytesOut = 0;
  #bytesIn = 0;

  /** Whether the machine asked for anything. */
  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#connections.total === 0 && this.#datagrams.total === 0;
  }

  add({ kind, decision, name = "", count = 1, bytesIn = 0, bytesOut = 0 }: EgressEntry): void {
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
    if (kind === "dns") {
      // It is asked for twice, for IPv4 and IPv6, and the second answer says nothing.
      const isRefused = decision === "refused" || this.#names.get(name) === true;
      if (this.#names.has(name) || this.#names.size < MAX_NAMES) this.#names.set(name, isRefused);
      return;
    }
    const sum = kind === "datagram" ? this.#datagrams : this.#connections;
    sum.total += count;
    if (decision === "refused") sum.refused += count;
  }

  /** @param dropped Frames, by reason. */
  describe(dropped: NetworkStats["dropped"] = {}): string {
    const refused = [...this.#names.values()].filter((isRefused) => isRefused).length;
    const names = { total: this.#names.size, refused };
    const more = names.total === MAX_NAMES ? " or more" : "";
    const parts = [
      describeCount(names, `${plural(names.total, "name")}${more} asked`),
      describeCount(this.#connections, plural(this.#connections.total, "connection")),
      describeCount(this.#datagrams, plural(this.#datagrams.total, "UDP flow")),
      this.#bytesOut + this.#bytesIn === 0
        ? undefined
        : `${formatBytes(this.#bytesOut)} out, ${formatBytes(this.#bytesIn)} in`,
      describeDropped(dropped),
    ];
    return `network: ${parts.filter((part) => part !== undefined).join("; ") || "nothing was asked for"}`;
  }
}

function describeCount({ total, refused }: Count, words: string): string | undefined {
  if (total === 0) return undefined;
  return refused === 0 ? words : `${words}, ${refused} refused`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** What systems send to a network that does not have it, such as IPv6. */
const USUAL: ReadonlySet<string> = new Set(["not-for-network", "unsupported"]);

/** Of frames, by reason: those that a guest has no business to send, or too many of. */
export function conspicuous(dropped: NetworkStats["dropped"]): [reason: string, count: number][] {
  return Object.entries(dropped).filter(([reason, count]) => count > 0 && !USUAL.has(reason));
}

function describeDropped(dropped: NetworkStats["dropped"]): string | undefined {
  const reasons = conspicuous(dropped);
  if (reasons.length === 0) return undefined;
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const listed = reasons.sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count} ${reason}`);
  return `${plural(total, "packet")} dropped (${listed.join(", ")})`;
}
