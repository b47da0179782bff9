/** Images as people and scripts read them. Pure. */
import { formatBytes } from "../../base/units.ts";
import { type HistoryEntry, imageHistory } from "../../image/store/history.ts";
import type { Image } from "../../image/store/image.ts";
import type { SnapshotEntry } from "../../image/store/snapshots.ts";
import { claimedKeys, type ImageSignature } from "../../signing/image-signature.ts";
import { minute, table } from "../table.ts";
import { describeSizes } from "./size-report.ts";

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

export interface ImageSurroundings {
  /** What it lies on, its parent first. */
  readonly ancestors: readonly Image[];
  readonly signature: ImageSignature | undefined;
}

export function describeImage(image: Image, { ancestors, signature }: ImageSurroundings): string {
  const { digest, tags, sizes, machine, provenance } = image;
  const keys = signature === undefined ? [] : claimedKeys(signature);
  const packages = provenance?.packages?.length;
  const rows = [
    ["name", tags.length === 0 ? "-" : tags.join(", ")],
    ["digest", digest],
    ...ancestors.map((each, index) => [index === 0 ? "lies on" : "", `${each.tags[0] ?? "-"} ${each.digest}`]),
    ["archive", `${formatBytes(sizes.archiveBytes)}, ${sizes.keptArchiveBytes > 0 ? "kept" : "not kept"}`],
    ["on disk", `${formatBytes(sizes.diskBytes)} of ${formatBytes(sizes.virtualBytes)}`],
    ["in store since", image.created.toISOString()],
    ["last used", image.lastUsed.toISOString()],
    [
      "built",
      [provenance?.created, provenance?.builder].filter((fact) => fact !== undefined).join(" by ") || "unknown",
    ],
    ["packages", packages === undefined ? "unknown" : String(packages)],
    ["agent", provenance?.agent ?? "unknown"],
    ["sizes", describeSizes(image, ancestors)],
    ["signed", keys.length === 0 ? "by nobody" : `by ${keys.join(", ")}; "boxcar image verify --key" checks that`],
    ...imageHistory([image, ...ancestors])
      .slice(0, SHOWN_STEPS)
      .map(({ what }, index) => [index === 0 ? "history" : "", shortened(what)]),
    ["machine", JSON.stringify(machine)],
  ];
  return table(rows);
}

/** What was done for it, the newest first. */
export function historyTable(history: readonly HistoryEntry[]): string {
  const rows = history.map(({ created, name, image, by, what }) => [
    created === undefined ? "-" : minute(new Date(created)),
    name ?? image.slice("sha256:".length, "sha256:".length + 12),
    by ?? "-",
    what.replaceAll(/\s+/g, " "),
  ]);
  return table([["WHEN", "IMAGE", "BY", "WHAT"], ...rows]);
}

/** The rest is what "boxcar image history" is for. */
const SHOWN_STEPS = 5;

function shortened(what: string): string {
  const line = what.replaceAll(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
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
