/** When a message that was not taken is sent again: 5 s, 20 s, 80 s … 4 h, for a day. Pure. */

const FIRST_MS = 5_000;
const MAX_MS = 4 * 3_600_000;
const GIVE_UP_MS = 24 * 3_600_000;
/** What a receiver may ask for. */
const MAX_ASKED_MS = 3_600_000;

export interface Attempts {
  /** How many there were. */
  readonly count: number;
  readonly triedForMs: number;
  /** What the receiver has asked for. */
  readonly askedMs?: number | undefined;
}

/**
 * Undefined: it is given up.
 *
 * @param random From 0 to 1.
 */
export function retryInMs({ count, triedForMs, askedMs = 0 }: Attempts, random: number): number | undefined {
  const leftMs = GIVE_UP_MS - triedForMs;
  if (leftMs <= 0) return undefined;
  const growing = Math.min(MAX_MS, FIRST_MS * 4 ** Math.min(count - 1, 20));
  const waitMs = Math.max(growing * (0.75 + random / 2), Math.min(askedMs, MAX_ASKED_MS));
  // The last one is at the end of the day.
  return Math.round(Math.min(waitMs, leftMs));
}
