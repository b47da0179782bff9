/** One line of the egress log: what a machine wanted outside, and what became of it. */

export interface EgressEntry {
  /** `dns`: a name was asked for; `connect`: TCP; `datagram`: UDP; `proxy`: by the HTTP proxy. */
  readonly kind: "dns" | "connect" | "datagram" | "proxy";
  /** `failed`: allowed, and nobody answered, or it was broken off. */
  readonly decision: "allowed" | "refused" | "failed";
  readonly name?: string | undefined;
  /** The one connected to, or those a name was answered with; as text. */
  readonly addresses?: readonly string[] | undefined;
  readonly port?: number | undefined;
  /** Why it was refused or has failed; of `dns`: the type that was asked for and the status. */
  readonly reason?: string | undefined;
  /** To the guest. */
  readonly bytesIn?: number | undefined;
  /** From the guest. */
  readonly bytesOut?: number | undefined;
  readonly durationMs?: number | undefined;
  /** How many equal ones the entry stands for, if not one. */
  readonly count?: number | undefined;
}

export interface LoggedEntry extends EgressEntry {
  /** ISO 8601, when it began. */
  readonly time: string;
}

/** Where entries go; whoever serves a machine writes to the machine's own. Cheap, and never throws. */
export interface EgressSink {
  /** @param began Default: now. */
  note(entry: EgressEntry, began?: Date): void;
}
