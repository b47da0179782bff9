/** Sequence numbers: uint32 that wrap (RFC 9293, 3.4). */

/** How far `to` lies behind `from`, between -2^31 and 2^31 - 1; negative if it lies before. */
export function sequenceDistance(from: number, to: number): number {
  return (to - from) | 0;
}

export function sequenceAdd(sequence: number, bytes: number): number {
  return (sequence + bytes) >>> 0;
}
