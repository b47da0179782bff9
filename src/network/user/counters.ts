/** What a machine's network has seen since it was connected. */
import type { NetworkStats } from "../guest-network.ts";
import type { DropReason } from "./ingress.ts";

export class Counters {
  framesFromGuest = 0;
  bytesFromGuest = 0;
  framesToGuest = 0;
  bytesToGuest = 0;
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
    "too-many-queries": 0,
    "link-full": 0,
  };

  drop(reason: DropReason): void {
    this.dropped[reason] += 1;
  }
}

/** Of a network that no machine has been connected to. */
export const NO_STATS: NetworkStats = Object.freeze({
  framesFromGuest: 0,
  bytesFromGuest: 0,
  framesToGuest: 0,
  bytesToGuest: 0,
  refused: 0,
  dropped: {},
  connections: 0,
  connectionsOpened: 0,
  connectionsOverLimit: 0,
  waitingBytes: 0,
});
