/** Saved machines, for people. Pure. */
import { formatBytes } from "../../../base/units.ts";
import type { SnapshotEntry } from "../../../snapshot/saved-machine.ts";
import { minute, table } from "../../table.ts";
import { originOf } from "../describe.ts";

export function snapshotTable(entries: readonly SnapshotEntry[]): string {
  if (entries.length === 0) return 'There are no snapshots yet; "boxcar vm snapshot save MACHINE" makes one.';
  const rows = entries.map((entry) => {
    if (entry.kind === "damaged")
      return [entry.id, "-", "damaged", entry.why, "-", formatBytes(entry.diskBytes), "-", "-"];
    const { record, id, created, expires, diskBytes } = entry;
    const memory = `${record.machine.memory ?? 0} MiB`;
    const times = [minute(created), expires === undefined ? "never" : minute(expires)];
    return [id, record.name ?? "-", record.kind, originOf(record.source), memory, formatBytes(diskBytes), ...times];
  });
  return table([["ID", "NAME", "KIND", "OF", "MEMORY", "ON DISK", "MADE", "EXPIRES"], ...rows]);
}

export function snapshotText(entry: SnapshotEntry): string {
  if (entry.kind === "damaged")
    return table([
      ["id", entry.id],
      ["damaged", entry.why],
    ]);
  const { record, id, created, expires, diskBytes, directory } = entry;
  const { machine, image, network, dataDisks = [], source } = record;
  const { threads = 1, cores = 1, sockets = 1 } = machine;
  const rows: [string, string | undefined][] = [
    ["id", id],
    ["name", record.name],
    ["description", record.description],
    ["kind", record.kind],
    ["of", originOf(record.source)],
    ["because", source.task?.reason],
    ["image", `${image.reference ?? "-"} (${image.digest.slice(0, 19)}…)`],
    ["machine", `${machine.chipset ?? ""}, ${threads * cores * sockets} CPU, ${machine.memory ?? 0} MiB`],
    ["ran with", `${record.accelerator}, ${record.qemu}`],
    ["network", network === undefined || typeof network === "string" ? network : `allow ${network.allow.join(", ")}`],
    [
      "disks",
      dataDisks.length === 0 ? undefined : dataDisks.map(({ name, slot }) => name ?? `slot ${slot}`).join(", "),
    ],
    ["made", created.toISOString()],
    ["expires", expires?.toISOString()],
    ["on disk", formatBytes(diskBytes)],
    ["folder", directory],
  ];
  return table(rows.filter((row): row is [string, string] => row[1] !== undefined));
}

/** For programs. */
export function snapshotDocument(entry: SnapshotEntry): object {
  const { kind: _kind, id, diskBytes } = entry;
  if (entry.kind === "damaged") return { id, damaged: entry.why, diskBytes };
  return { ...entry.record, diskBytes, directory: entry.directory };
}
