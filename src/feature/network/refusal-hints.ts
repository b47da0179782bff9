/**
 * What the log of a task says when a host is refused for the first time, and what to do about it. A guest may ask for
 * any number of hosts: only the first few are told.
 */
import { allowRuleFault, covers, tryParseAllowRule } from "../../base/allow-rule.ts";
import type { NetworkPolicySettings } from "../../config/network/policy.ts";
import type { EgressEntry } from "../../network/egress/egress-entry.ts";
import type { NetworkPolicy } from "../../network/policy/network-policy.ts";

const MAX_HINTS = 10;

/** The reason of a refusal that another payload would not meet. */
const POLICY = "policy";
const NO_ADDRESS = "no public address";

/** What systems ask for by themselves, and nobody misses: services, reverse lookups, names of the neighbourhood. */
const BACKGROUND = /^(?:_.*|[^.]*|.*\.(?:arpa|local|lan|home|internal))$/i;
/** Of a group, or of everybody. */
const NO_HOST = /^(?:22[4-9]|2[345]\d)\./;

export class RefusalHints {
  readonly #kind: NetworkPolicy["kind"];
  readonly #bounds: NetworkPolicySettings;
  readonly #told = new Set<string>();
  #isOver = false;

  /** @param bounds What this worker lets tasks ask for. */
  constructor({ kind }: NetworkPolicy, bounds: NetworkPolicySettings) {
    this.#kind = kind;
    this.#bounds = bounds;
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

  #advice(host: string, entry: EgressEntry): string {
    const fault = allowRuleFault(host);
    if (fault !== undefined) return `: it ${fault}`;
    const reason = reasonOf(entry);
    if (reason !== POLICY) return `: ${reason === NO_ADDRESS ? `it has ${reason}` : reason}`;
    if (!isOffered(host, entry.port, this.#bounds)) return ": no task of this worker may reach it";
    return this.#kind === "isolated"
      ? `; this task is isolated, and network: {allow: [${JSON.stringify(host)}]} in its payload would let it`
      : "; add it to network.allow of the payload";
  }
}

/** Of a name it comes after what was asked for, and the status. */
function reasonOf({ kind, reason = POLICY }: EgressEntry): string {
  return kind === "dns" ? (/: (.*)$/.exec(reason)?.[1] ?? POLICY) : reason;
}

/** @param port Undefined: which one it is for is not known yet. */
function isOffered(host: string, port: number | undefined, { max, allow }: NetworkPolicySettings): boolean {
  const rule = tryParseAllowRule(host);
  if (rule === undefined || max === "isolated") return false;
  if (allow === undefined) return true;
  const ports = port === undefined ? new Set(allow.rules.flatMap((bound) => bound.ports)) : [port];
  return [...ports].some((each) => covers(allow.rules, { ...rule, ports: [each] }));
}

function hostOf({ name, addresses = [], port }: EgressEntry): string | undefined {
  const host = name ?? addresses[0];
  if (host === undefined || BACKGROUND.test(host) || NO_HOST.test(host)) return undefined;
  return port === undefined ? host : `${host}:${port}`;
}
