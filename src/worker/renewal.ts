/**
 * Keeps a claim while its run lasts.
 *
 * A lease is renewed when a part of what is left of it is over, and more often while the queue cannot be asked; one that
 * has ended all the same ends the run. Time is that of a clock which only goes forward, so that a host whose clock is set
 * neither loses its claims nor keeps those of others; a process that was stopped meanwhile notices when it goes on.
 */
import { setTimeout as after } from "node:timers/promises";
import { orAborted } from "../base/abort.ts";
import { Cancellation, messageOf } from "../base/errors.ts";
import type { Claim } from "../queue/driver.ts";

/** Of what is left of a lease. */
const RENEW_AFTER = 1 / 3;
/** While it cannot be renewed. */
const RETRY_AFTER = 1 / 8;
const MAX_RETRY_MS = 30_000;
/** A lease may hold for longer at the queue than it seems here: it is asked once more. */
const MIN_PATIENCE_MS = 1_000;
/** Timers cannot be set for longer. */
const MAX_WAIT_MS = 2 ** 31 - 1;

export interface RenewalOptions {
  /** The lease has ended, and nobody renewed it. */
  onExpired: (why: Cancellation) => void;
  note: (text: string) => void;
  /** The run is over. */
  signal: AbortSignal;
}

/** Settles when the run is over or the claim is lost; never rejects. */
export async function keepClaim(claim: Claim, { onExpired, note, signal }: RenewalOptions): Promise<void> {
  const over = AbortSignal.any([signal, claim.lost]);
  let endMs = endOf(claim);
  let failures = 0;
  while (!over.aborted) {
    const waitMs = nextRenewalMs(endMs - performance.now(), failures);
    await after(waitMs, undefined, { signal: over }).catch(() => {});
    if (over.aborted) return;
    const left = endMs - performance.now();
    try {
      const inTime = AbortSignal.any([over, AbortSignal.timeout(Math.max(MIN_PATIENCE_MS, Math.ceil(left)))]);
      await orAborted(claim.renew(inTime), inTime);
      if (failures > 0) note("the claim of this task is renewed again");
      failures = 0;
      endMs = endOf(claim);
    } catch (error) {
      if (over.aborted) return;
      if (failures++ === 0) note(`warning: the claim of this task cannot be renewed: ${messageOf(error)}`);
    }
    if (performance.now() < endMs || over.aborted) continue;
    onExpired(new Cancellation("claim-expired", "the claim of this task was not renewed in time; it is run again"));
    return;
  }
}

/** When to ask the next time, in ms from now. */
export function nextRenewalMs(leftMs: number, failures: number): number {
  const waitMs = failures === 0 ? leftMs * RENEW_AFTER : Math.min(MAX_RETRY_MS, leftMs * RETRY_AFTER);
  return Math.min(MAX_WAIT_MS, Math.max(0, waitMs));
}

function endOf({ takenUntil }: Claim): number {
  return performance.now() + (takenUntil.getTime() - Date.now());
}
