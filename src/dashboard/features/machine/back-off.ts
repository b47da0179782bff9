/** How long to wait before a connection is tried again: longer each time, and not all clients at once. Pure. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** @param failures In a row, from 1. @param random From 0 to 1. */
export function waitBefore(failures: number, random: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return Math.round(longest * (0.75 + random / 4));
}
