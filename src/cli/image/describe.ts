/** Images as people and scripts read them. Pure. */
import { formatBytes } from "../../base/units.ts";
import type { Image } from "../../image/store/image.ts";
import type { SnapshotEntry } from "../../image/store/snapshots.ts";
import { minute, table } from "../table.ts";

export function imageTable(images: readonly Image[]): string {
  if (images.length === 0) return 'There are no images yet; "boxcar image build debian-minimal" makes one.';
  const rows = images.map(({ digest, tags, sizes, lastUsed }) => [
    tags.length === 0 ? "-" : tags.join(", "),
    digest.slice("sha256:".length, "sha256:".length + 12),
    formatBytes(sizes.archiveBytes),
    formatBytes(sizes.diskBytes),
    minute(lastUsed),
  ]);
  return table([["NAME", "DIGEST", "ARCHIVE", "ON DISK", "LAST USED"], ...rows]);
}

export function describeImage(image: Image): string {
  const { digest, tags, sizes, machine, provenance } = image;
  const packages = provenance?.packages?.length;
  const rows = [
    ["name", tags.length === 0 ? "-" : tags.join(", ")],
    ["digest", digest],
    ["archive", formatBytes(sizes.archiveBytes)],
    ["on disk", `${formatBytes(sizes.diskBytes)} of ${formatBytes(sizes.virtualBytes)}`],
    ["in store since", image.created.toISOString()],
    ["last used", image.lastUsed.toISOString()],
    [
      "built",
      [provenance?.created, provenance?.builder].filter((fact) => fact !== undefined).join(" by ") || "unknown",
    ],
    ["packages", packages === undefined ? "unknown" : String(packages)],
    ["agent", provenance?.agent ?? "unknown"],
    ["machine", JSON.stringify(machine)],
  ];
  return table(rows);
}

export function describeSnapshots(entries: readonly SnapshotEntry[]): string {
  if (entries.length === 0) return "No machine has been captured yet; the first task, or boxcar image warm, does it.";
  return table([["RESUMES", "ON DISK", "LAST USED"], ...entries.map(snapshotRow)]);
}

function snapshotRow(entry: SnapshotEntry): string[] {
  switch (entry.kind) {
    case "snapshot":
      return [entry.title, formatBytes(entry.diskBytes), minute(entry.lastUsed)];
    case "refusal":
      return [`${entry.title}: boots, because ${entry.why}`, "-", "-"];
    case "damaged":
      return [`${entry.key.slice(0, 12)}: damaged, ${entry.why}; the next task removes it`, "-", "-"];
  }
}
