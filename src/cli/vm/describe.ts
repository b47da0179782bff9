/** Machines, for people. Pure. */
import type { VmRecord } from "../../generated/vm-record.ts";
import type { ReclaimedVm, VmEvent, VmView } from "../../hypervisor/hypervisor.ts";
import { minute, table } from "../table.ts";

/** Of images that have any, by digest. */
export type ImageNames = ReadonlyMap<string, string>;

export function vmTable(views: readonly VmView[], names: ImageNames): string {
  if (views.length === 0) return 'There are no machines yet; "boxcar vm run IMAGE" makes and starts one.';
  const rows = views.map((view) => [
    view.record.id,
    view.record.name ?? "-",
    stateOf(view),
    nameOf(view.record.image, names) ?? view.record.image.digest.slice(DIGEST_START, DIGEST_START + 12),
    sizeOf(view.record),
    portsOf(view.record),
    minute(new Date(view.record.created)),
  ]);
  return table([["ID", "NAME", "STATE", "IMAGE", "SIZE", "PORTS", "MADE"], ...rows]);
}

export function stateOf({ record: { state }, isStale }: VmView): string {
  return isStale ? "stopped (stale)" : state;
}

function sizeOf({ machine }: VmRecord): string {
  const { memory = 0, threads = 1, cores = 1, sockets = 1 } = machine;
  return `${threads * cores * sockets} CPU, ${memory} MiB`;
}

export function portsOf({ forwards, process }: VmRecord): string {
  const known = process?.forwards ?? forwards;
  if (known.length === 0) return "-";
  return known.map(({ host, hostPort, guestPort }) => `${host}:${hostPort}→${guestPort}`).join(" ");
}

const DIGEST_START = "sha256:".length;

/** Undefined: it was named by its digest, and has no name now. */
function nameOf({ reference, digest }: VmRecord["image"], names: ImageNames): string | undefined {
  return reference === digest ? names.get(digest) : reference;
}

export function vmText(view: VmView, names: ImageNames): string {
  const { record } = view;
  const imageName = nameOf(record.image, names);
  const digest = `${record.image.digest.slice(0, 19)}…`;
  const { process, identity, network, disks, reason, started, runDirectory, from } = record;
  const rows: [string, string | undefined][] = [
    ["id", record.id],
    ["name", record.name],
    ["state", stateOf(view)],
    ["because", reason],
    ["image", imageName === undefined ? digest : `${imageName} (${digest})`],
    ["from", from && `the snapshot ${from.snapshot} of ${originOf(from)}`],
    ["machine", `${record.machine.chipset ?? ""}, ${sizeOf(record)}`],
    ["hostname", identity.hostname],
    ["network", typeof network === "string" ? network : `allow ${network.allow.join(", ")}`],
    ["ports", portsOf(record)],
    ["disks", disks.length === 0 ? undefined : disks.map(({ name, mount }) => `${name} at ${mount ?? "-"}`).join(", ")],
    ["made", record.created],
    [
      "started",
      started === undefined ? undefined : `${started}${record.starts === 1 ? "" : ` (${record.starts} starts)`}`,
    ],
    [
      "process",
      process && `${process.emulator?.pid ?? "-"} (${process.accelerator}${process.resumed ? ", resumed" : ""})`,
    ],
    ["sockets", runDirectory],
  ];
  return table(rows.filter((row): row is [string, string] => row[1] !== undefined));
}

/** Which machine was saved. */
export function originOf({ vm, task }: Pick<NonNullable<VmRecord["from"]>, "vm" | "task">): string {
  if (task === undefined) return vm?.name ?? vm?.id ?? "-";
  return `${task.taskId}/${task.runId}${task.checkpoint === undefined ? "" : ` ${task.checkpoint}`}`;
}

export interface PutRight {
  readonly id: string;
  /** `expired`: a snapshot. */
  readonly done: ReclaimedVm["done"] | "expired";
}

const PUT_RIGHT: Readonly<Record<PutRight["done"], (id: string) => string>> = {
  removed: (id) => `machine ${id} removed: it was half made`,
  stopped: (id) => `machine ${id} stopped: its supervisor was killed`,
  expired: (id) => `snapshot ${id} expired: removed`,
};

export function reclaimedText(all: readonly PutRight[]): string {
  if (all.length === 0) return "There is nothing that a dead process has left, and nothing that has expired.";
  const count = (what: PutRight["done"]) => all.filter(({ done }) => done === what).length;
  const machines = (number: number) => `${number} machine${number === 1 ? "" : "s"}`;
  const snapshots = `${count("expired")} snapshot${count("expired") === 1 ? "" : "s"} removed`;
  const summary = `${machines(count("removed"))} removed, ${count("stopped")} stopped; ${snapshots}`;
  return [...all.map(({ id, done }) => PUT_RIGHT[done](id)), summary].join("\n");
}

export function eventText({ time, id, name, event, state, before, reason }: VmEvent): string {
  const change = event === "changed" ? `${before} → ${state}` : event === "removed" ? "removed" : `${event}, ${state}`;
  // One event, one line, whatever QEMU has said.
  return `${time} ${name ?? id} ${change}${reason === undefined ? "" : `: ${reason.replaceAll(/\s*\n\s*/g, "; ")}`}`;
}
