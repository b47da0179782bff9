/** What services of a machine need of its egress log; EgressLog is one. */
import type { EgressSink, LoggedEntry } from "./egress-entry.ts";
import type { EgressCounts } from "./egress-log.ts";

export interface EgressRecord extends EgressSink, AsyncDisposable {
  readonly counts: EgressCounts;
  /** Oldest first. */
  latest(): readonly LoggedEntry[];
}
