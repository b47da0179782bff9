/** What somebody wants of a new machine, and the record that comes of it. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Machine, MachineOverrides } from "../generated/machine.ts";
import type { VmRecord } from "../generated/vm-record.ts";
import { parseAs } from "../schema/parse.ts";
import { cdromFile, type SavedMachine } from "../snapshot/saved-machine.ts";
import type { ResolvedMachine } from "../vm/limits.ts";
import type { CloneOptions } from "./direct.ts";
import { disksOf, goesOnOf, sourceOf } from "./going-on.ts";

export type VmForward = VmRecord["forwards"][number];
export type VmDisk = VmRecord["disks"][number];

export interface VmSpec {
  readonly name?: string | undefined;
  /** Name or digest of an image in the store. */
  readonly image: string;
  /** What it has that the image and the configuration do not say, or otherwise. */
  readonly machine?: MachineOverrides | undefined;
  readonly network?: VmRecord["network"] | undefined;
  readonly forwards?: readonly VmForward[] | undefined;
  readonly disks?: readonly VmDisk[] | undefined;
  /** Absolute paths of this host. */
  readonly directBoot?: VmRecord["directBoot"] | undefined;
  readonly cdroms?: readonly string[] | undefined;
  /** Boot at the first start, even where a snapshot could be resumed. */
  readonly cold?: boolean | undefined;
}

export interface RecordFacts {
  readonly id: string;
  readonly backend: string;
  readonly machine: ResolvedMachine;
  readonly digest: string;
  /** Parent of the machine's folder for sockets; absolute. */
  readonly runParent: string;
  readonly now: Date;
}

/** @throws {InvalidInputError} What was asked for is no machine. */
export function buildRecord(spec: VmSpec, facts: RecordFacts): VmRecord {
  const { id, backend, machine, digest, runParent, now } = facts;
  const { name, image, network = "isolated", forwards = [], disks = [], directBoot, cdroms = [], cold } = spec;
  const time = now.toISOString();
  const record = {
    ...{ version: 1, id, backend, state: "creating", created: time, changed: time, starts: 0 },
    ...(name === undefined ? {} : { name }),
    image: { digest, reference: image },
    machine: machineDocument(machine),
    identity: { hostname: hostnameOf(name ?? id), machineId: randomBytes(16).toString("hex") },
    ...{ network, forwards, disks, runDirectory: join(runParent, id) },
    ...(directBoot === undefined ? {} : { directBoot }),
    ...(cdroms.length === 0 ? {} : { cdroms }),
    ...(cold === true ? { cold } : {}),
  };
  return parseAs("vm-record", record, { subject: "The machine", blame: "task" });
}

/** Of a machine that goes on from what was saved. @throws {InvalidInputError} What was asked for is no machine. */
export function buildClone(
  saved: SavedMachine,
  options: Pick<CloneOptions, "name" | "network" | "forwards">,
  facts: Pick<RecordFacts, "id" | "backend" | "runParent" | "now"> & { folder: string },
): VmRecord {
  const { id, backend, runParent, now, folder } = facts;
  const { image, machine, cdroms = [], directBoot, diskSlots = 0 } = saved.record;
  const { name, network = saved.record.network ?? "isolated", forwards = [] } = options;
  const time = now.toISOString();
  const kept = cdroms.flatMap(({ once }, index) => (once === true ? [] : [join(folder, cdromFile(index))]));
  const record = {
    ...{ version: 1, id, backend, state: "creating", created: time, changed: time, starts: 0 },
    ...(name === undefined ? {} : { name }),
    image: { digest: image.digest, reference: image.reference ?? image.digest },
    machine,
    identity: { hostname: hostnameOf(name ?? id), machineId: randomBytes(16).toString("hex") },
    ...{ network, forwards, disks: disksOf(saved), diskSlots, runDirectory: join(runParent, id) },
    ...(directBoot === undefined ? {} : { directBoot }),
    ...(kept.length === 0 ? {} : { cdroms: kept }),
    ...{ from: sourceOf(saved), goesOn: goesOnOf(saved) },
  };
  return parseAs("vm-record", record, { subject: "The machine", blame: "task" });
}

/** A label of RFC 1123. */
export function hostnameOf(name: string): string {
  const label = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63);
  return label.replaceAll(/^-+|-+$/g, "") || "boxcar";
}

/** Without what may be secret: user-data is kept elsewhere. */
function machineDocument(machine: ResolvedMachine): Machine {
  const { cloudInit, ...rest } = machine;
  const { userData: _secret, ...known } = cloudInit ?? {};
  const document: unknown = { ...rest, ...(cloudInit === undefined ? {} : { cloudInit: known }) };
  // What is undefined is left out.
  return JSON.parse(JSON.stringify(document)) as Machine;
}
