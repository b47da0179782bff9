/** What the disks of a machine have done, as QEMU counts it. Pure. */

const COUNTERS = ["rd_operations", "wr_operations", "flush_operations", "unmap_operations"] as const;

/**
 * Operations of all disks together.
 *
 * @param reply What QEMU returns for `query-blockstats`; what is not understood counts for nothing.
 */
export function countDiskOperations(reply: unknown): number {
  const disks: unknown[] = Array.isArray(reply) ? reply : [];
  return disks.reduce((sum: number, disk) => sum + operationsOf(disk), 0);
}

function operationsOf(disk: unknown): number {
  const stats = typeof disk === "object" && disk !== null && "stats" in disk ? disk.stats : undefined;
  if (typeof stats !== "object" || stats === null) return 0;
  const counts = COUNTERS.map((name) => (stats as Record<string, unknown>)[name]);
  return counts.reduce((sum: number, count) => sum + (typeof count === "number" ? count : 0), 0);
}
