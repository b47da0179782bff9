/** How the services of a machine reach the outside, as a port: egress.ts is it, the HTTP proxy uses it. */
import type { Duplex } from "node:stream";
import { WorkerError } from "../../base/errors.ts";

export type Target =
  /** A name in lower case, without the last dot. */
  | { readonly name: string; readonly port: number }
  /** IPv4, a uint32. */
  | { readonly address: number; readonly port: number };

export interface Outside {
  /**
   * Connects to a target that the policy allows, by an address that was vetted. What passes counts against the limits
   * of the machine and is in its egress log, as `proxy`. The stream ends when the far side ends, and is destroyed with
   * an error if that resets it or a limit is reached; destroying it resets the far side.
   *
   * @throws {OutsideError} Nobody is connected.
   */
  open(target: Target, signal?: AbortSignal): Promise<Duplex>;
}

export class OutsideError extends WorkerError {
  /** `refused`: the policy or a limit says no; `failed`: nobody answers there. */
  readonly kind: "refused" | "failed";

  /** @param reason As a guest may read it. */
  constructor(kind: OutsideError["kind"], reason: string) {
    super(reason, { code: `outside-${kind}`, blame: kind === "refused" ? "task" : "upstream" });
    this.kind = kind;
  }
}

/** Who finds the addresses of a name. */
export interface NameLookup {
  /**
   * IPv4 addresses, as uint32, whatever they are: it is the caller who vets them. Empty if there are none.
   *
   * @param name In lower case, without the last dot.
   * @throws {OutsideError} Nobody could say.
   */
  lookup(name: string): Promise<readonly number[]>;
}
