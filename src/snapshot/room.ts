/** Which saved machines go so that another one has room. Pure. */
import { formatBytes } from "../base/units.ts";
import { SnapshotError } from "./errors.ts";
import type { SavedMachine } from "./saved-machine.ts";

export interface RoomLimits {
  /** Those the limits are about; default: those of the same kind as the new one; imported ones apart. */
  among?: ((saved: SavedMachine) => boolean) | undefined;
  /** Including the new one. */
  maxCount?: number | undefined;
  /** On the disk, including the new one. */
  maxBytes?: number | undefined;
  /** `drop-oldest`: older ones go, where nobody uses them. `refuse`: only expired ones do. */
  whenFull: "refuse" | "drop-oldest";
}

export interface RoomQuestion {
  /** Those that count, in any order. */
  there: readonly SavedMachine[];
  /** Of which nobody knows whether they may go. */
  inUse: ReadonlySet<string>;
  newBytes: number;
  now: Date;
}

/**
 * @returns what has to go first; expired ones first, then the oldest.
 * @throws {SnapshotError} `snapshots-full`
 */
export function planRoom({ there, inUse, newBytes, now }: RoomQuestion, limits: RoomLimits): SavedMachine[] {
  const { maxCount = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY, whenFull } = limits;
  const isExpired = ({ expires }: SavedMachine) => expires !== undefined && expires <= now;
  const candidates = there
    .filter((saved) => !inUse.has(saved.id) && (whenFull === "drop-oldest" || isExpired(saved)))
    .sort((a, b) => Number(isExpired(b)) - Number(isExpired(a)) || a.created.getTime() - b.created.getTime());
  let count = there.length + 1;
  let bytes = there.reduce((sum, { diskBytes }) => sum + diskBytes, newBytes);
  const going: SavedMachine[] = [];
  while (count > maxCount || bytes > maxBytes) {
    const next = candidates[going.length];
    if (next === undefined) throw full(there.length, bytes, limits);
    going.push(next);
    count -= 1;
    bytes -= next.diskBytes;
  }
  return going;
}

function full(count: number, bytes: number, { maxCount, maxBytes }: RoomLimits): SnapshotError {
  const limits = [
    ...(maxCount === undefined ? [] : [`${maxCount} of them`]),
    ...(maxBytes === undefined ? [] : [formatBytes(maxBytes)]),
  ].join(" and ");
  const message =
    `there is no room for another snapshot: ${count} are kept, with the new one they would take ${formatBytes(bytes)}, ` +
    `and at most ${limits} are allowed; remove some`;
  return new SnapshotError("snapshots-full", message, { blame: "task", details: { count, bytes, maxCount, maxBytes } });
}
