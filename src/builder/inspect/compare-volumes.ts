/** What differs between the volumes of two disks, their files aside. Pure. */
import type { VolumeDiff } from "./image-diff.ts";
import type { DiskListing } from "./listing.ts";
import type { Volume } from "./records.ts";

/** Volumes that can be looked into on both sides differ by their type only: the rest their files tell. */
export function compareVolumes(a: DiskListing, b: DiskListing): VolumeDiff[] {
  const [one, other] = [byPartition(a), byPartition(b)];
  const partitions = [...new Set([...one.keys(), ...other.keys()])].sort((x, y) => x - y);
  return partitions.flatMap((partition) => {
    const pair = { partition, a: one.get(partition), b: other.get(partition) };
    return isAlike(pair.a, pair.b) ? [] : [pair];
  });
}

function isAlike(a: Volume | undefined, b: Volume | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.type !== b.type || a.obstacle !== b.obstacle || a.sizeBytes !== b.sizeBytes) return false;
  return a.obstacle === undefined || a.usedBytes === b.usedBytes;
}

function byPartition({ volumes }: DiskListing): Map<number, Volume> {
  return new Map(volumes.map((volume) => [volume.partition, volume]));
}
