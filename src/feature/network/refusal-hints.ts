/**
 * What the log of a task says when a host is refused for the first time, and what to do about it. A guest may ask for
 * any number of hosts: only the first few are told.
 */
import { allowRuleFault } from "../../base/allow-rule.ts";
import type { EgressEntry } from "../../network/egress/egress-entry.ts";
import type { NetworkPolicy } from "../../network/policy/network-policy.ts";

const MAX_HINTS = 10;

/** The reason of a refusal that another payload would not meet. */
const POLICY = "policy";

/** What systems ask for by themselves, and nobody misses: services, reverse lookups, names of the neighbourhood. */
const BACKGROUND = /^(?:_.*|[^.]*|.*\.(?:arpa|local|lan|home|internal))$/i;
/** Of a group, or of everybody. */
const NO_HOST = /^(?:22[4-9]|2[345]\d)\./;

export class RefusalHints {
  readonly #kind: NetworkPolicy["kind"];
  readonly #told = new Set<string>();
  #isOver = false;

  constructor({ kind }: NetworkPolicy) {
    this.#kind = kind;
  }

  /** A line for the log; undefined: there is nothing new to say. */
  next(entry: EgressEntry): string | undefined {
    if (this.#isOver || entry.decision !== "refused") return undefined;
    const host = hostOf(entry);
    if (host === undefined || this.#told.has(host)) return undefined;
    if (this.#told.size >= MAX_HINTS) {
      this.#isOver = true;
      return "network: more hosts were refused; they are in network.jsonl";
    }
    this.#told.add(host);
    return `network: refused ${host}${this.#advice(host, entry)}`;
  }

  #advice(host: string, { kind, reason }: EgressEntry): string {
    const fault = allowRuleFault(host);
    if (fault !== undefined) return `: it ${fault}`;
    if (kind !== "dns" && reason !== undefined && reason !== POLICY) return `: ${reason}`;
    switch (this.#kind) {
      case "isolated":
        return `; this task is isolated, and network: {allow: [${JSON.stringify(host)}]} in its payload would let it`;
      case "allow":
        return "; add it to network.allow of the payload";
      case "internet":
        return ": it has no public address";
    }
  }
}

function hostOf({ name, addresses = [], port }: EgressEntry): string | undefined {
  const host = name ?? addresses[0];
  if (host === undefined || BACKGROUND.test(host) || NO_HOST.test(host)) return undefined;
  return port === undefined ? host : `${host}:${port}`;
}
