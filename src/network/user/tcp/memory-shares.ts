/** What each of a machine's connections may keep in memory, so that all of them together keep a bounded amount. */
const KIB = 1_024;

/** Bytes of the guest that nobody has read. Never less than what a guest sends in a few segments. */
export function receiveShareBytes(connections: number): number {
  return share(16 * 1_024 * KIB, connections, 32 * KIB, 256 * KIB);
}

/** Bytes to the guest that it has not acknowledged. */
export function sendShareBytes(connections: number): number {
  return share(16 * 1_024 * KIB, connections, 32 * KIB, 1_024 * KIB);
}

function share(budgetBytes: number, connections: number, least: number, most: number): number {
  return Math.min(Math.max(budgetBytes / Math.max(connections, 1), least), most);
}
