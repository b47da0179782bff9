/** Listings of disks, out of what boxcar-inspect would say. */
import { type DiskListing, ListingBuilder } from "../../../../src/builder/inspect/listing.ts";
import { parseRecord } from "../../../../src/builder/inspect/records.ts";

export const EXT4 = "V0 0 0 1048576 4096 ext4 ";

/** @param lines Without the last one. */
export function listingOf(lines: readonly string[], maxEntries = 100): DiskListing {
  const builder = new ListingBuilder(0, maxEntries);
  for (const line of lines) builder.add(parseRecord(Buffer.from(line, "latin1")));
  if (!builder.add(parseRecord(Buffer.from("D0")))) throw new Error("the listing does not end");
  return builder.build();
}

export function fileLine(path: string, facts: { bytes?: number; mode?: string; uid?: number; links?: number } = {}) {
  const { bytes = 10, mode = "644", uid = 0, links = 1 } = facts;
  return `E0 f ${mode} ${uid} 0 ${bytes} 0 ${links} 0:0 ${path}`;
}
