/** How much of a log is kept. Pure. */

export interface LogBudget {
  /** Of the whole file. */
  readonly maxBytes: number;
  /** What of it is left to the worker's lines when the guest's bytes have filled the rest. */
  readonly reserveBytes: number;
}

/** Enough for the lines at the end of a run, with a message of some length. */
const RESERVE_BYTES = 64 * 1_024;

export function budgetOf(maxBytes: number): LogBudget {
  return { maxBytes, reserveBytes: Math.min(RESERVE_BYTES, Math.floor(maxBytes / 4)) };
}

/** How many of the guest's bytes are kept of a log that has `usedBytes`; not a part of a character of UTF-8. */
export function keptOfGuest(bytes: Uint8Array, usedBytes: number, { maxBytes, reserveBytes }: LogBudget): number {
  const room = Math.max(0, maxBytes - reserveBytes - usedBytes);
  if (bytes.length <= room) return bytes.length;
  let kept = room;
  while (kept > 0 && room - kept < 3 && isContinuation(bytes[kept])) kept--;
  return isContinuation(bytes[kept]) ? room : kept;
}

/** A line of the worker is kept as a whole, or not at all. */
export function keepsWorkerLine(sizeBytes: number, usedBytes: number, { maxBytes }: LogBudget): boolean {
  return usedBytes + sizeBytes <= maxBytes;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
