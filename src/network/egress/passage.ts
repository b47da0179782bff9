/** One connection on its way outside: what is known of it so far, for the egress log. */
import { formatIpv4Address } from "../../base/ipv4.ts";
import type { EgressEntry } from "./egress-entry.ts";
import type { OutsideError, Target } from "./outside.ts";
import type { SpliceResult } from "./splice.ts";

export class Passage {
  readonly target: Target;
  readonly began = new Date();
  readonly #kind: EgressEntry["kind"];
  readonly #startedMs = performance.now();
  #ending: AbortController | undefined;
  /** Found for its name, then the one connected to. */
  addresses: readonly number[];

  constructor(kind: EgressEntry["kind"], target: Target) {
    this.#kind = kind;
    this.target = target;
    this.addresses = "name" in target ? [] : [target.address];
  }

  /** Ends it at once. Most are refused before they need one, and it costs more than all else of that. */
  get ending(): AbortController {
    this.#ending ??= new AbortController();
    return this.#ending;
  }

  refusal({ kind, message }: Pick<OutsideError, "kind" | "message">): EgressEntry {
    return { ...this.#facts(), decision: kind, reason: message };
  }

  end({ bytesIn, bytesOut, fault }: SpliceResult): EgressEntry {
    const durationMs = Math.round(performance.now() - this.#startedMs);
    const outcome = fault === undefined ? { decision: "allowed" as const } : brokenOff(fault);
    return { ...this.#facts(), ...outcome, bytesIn, bytesOut, durationMs };
  }

  #facts() {
    const { target, addresses } = this;
    return {
      kind: this.#kind,
      ...("name" in target ? { name: target.name } : {}),
      ...(addresses.length === 0 ? {} : { addresses: addresses.map(formatIpv4Address) }),
      port: target.port,
    };
  }
}

/** What has come about was allowed, however it ended; unless it is the worker that ended it. */
function brokenOff({ kind, reason }: NonNullable<SpliceResult["fault"]>) {
  return { decision: kind === "refused" ? ("refused" as const) : ("allowed" as const), reason };
}
