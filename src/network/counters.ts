/** What a machine's network has seen since it was connected. */
import type { DropReason } from "./user/ingress.ts";

export interface NetworkStats {
  /** From the guest. */
  framesIn: number;
  bytesIn: number;
  /** To the guest. */
  framesOut: number;
  bytesOut: number;
  /** Flows and names the policy does not allow. */
  refused: number;
  dropped: Readonly<Record<DropReason, number>>;
  /** TCP connections that exist now, half-open ones included. */
  connections: number;
  connectionsOpened: number;
  /** Connections that were reset because there were too many. */
  connectionsOverLimit: number;
  /** Waiting for the guest to take it from its network card. */
  waitingBytes: number;
}

export class Counters {
  framesIn = 0;
  bytesIn = 0;
  framesOut = 0;
  bytesOut = 0;
  refused = 0;
  connectionsOverLimit = 0;
  readonly dropped: Record<DropReason, number> = {
    malformed: 0,
    "bad-checksum": 0,
    "spoofed-mac": 0,
    "spoofed-address": 0,
    "not-for-network": 0,
    unsupported: 0,
    fragment: 0,
    "rate-limited": 0,
    "link-full": 0,
  };

  drop(reason: DropReason): void {
    this.dropped[reason] += 1;
  }
}
