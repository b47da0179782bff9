/** Finds out what differs between two images. */
import type { ImageLease } from "../../image/store/image-lease.ts";
import { compareBootFiles } from "./boot-files.ts";
import { compareDocuments } from "./compare-documents.ts";
import { compareFiles, findCandidates } from "./compare-files.ts";
import { comparePackages } from "./compare-packages.ts";
import { compareVolumes } from "./compare-volumes.ts";
import { DiskInspector } from "./disk-inspector.ts";
import { InspectionError } from "./errors.ts";
import { type FoundPackages, readPackages, statedPackages } from "./find-packages.ts";
import {
  type ComparedImage,
  type DisksDiff,
  type ImageDiff,
  type InstalledDiff,
  isSame,
  type Section,
} from "./image-diff.ts";
import { InspectingMachine, type InspectorOptions } from "./inspecting-machine.ts";
import type { DiskListing } from "./listing.ts";
import { relate } from "./relation.ts";
import { shownPath } from "./shown-path.ts";

export interface DiffSide {
  /** As it was asked for. */
  readonly reference: string;
  readonly lease: ImageLease;
}

export interface DiffOptions {
  readonly sections: ReadonlySet<Section>;
  /** Called where only a machine can tell. */
  readonly openInspector: () => Promise<InspectorOptions>;
  readonly signal: AbortSignal;
  /** Of looking into the disks. */
  readonly timeoutMs: number;
}

/** Of one disk: some hundred bytes of memory each. */
const MAX_ENTRIES = 1_000_000;
const NO_PACKAGES: FoundPackages = { packages: [], source: undefined };

/** @throws {InspectionError} and what the inspecting machine throws. */
export async function diffImages(a: DiffSide, b: DiffSide, options: DiffOptions): Promise<ImageDiff> {
  const { sections } = options;
  const [one, other] = [a.lease.image, b.lease.image];
  const diff: Omit<ImageDiff, "same"> = {
    a: describe(a),
    b: describe(b),
    relation: relate(one, other),
    ...(sections.has("machine") && {
      machine: compareDocuments(one.machine, other.machine),
      boot: await compareBootFiles(a.lease, b.lease),
    }),
    ...(sections.has("provenance") && {
      provenance: compareDocuments(one.provenance, other.provenance, ["packages"]),
    }),
    ...(await diffDisks(a.lease, b.lease, options)),
  };
  return { same: isSame(diff), ...diff };
}

function describe({ reference, lease: { image } }: DiffSide): ComparedImage {
  return { reference, digest: image.digest, virtualBytes: image.sizes.virtualBytes };
}

/** Starts a machine only for what nothing else tells. */
async function diffDisks(
  a: ImageLease,
  b: ImageLease,
  options: DiffOptions,
): Promise<Pick<ImageDiff, "packages" | "files">> {
  const { sections, timeoutMs, signal } = options;
  const stated = [statedPackages(a.image), statedPackages(b.image)];
  const areSame = a.image.digest === b.image.digest;
  const wantsFiles = sections.has("files");
  const wantsPackages = sections.has("packages");
  if (areSame || !(wantsFiles || (wantsPackages && stated.includes(undefined)))) {
    const [one, other] = stated;
    return {
      ...(wantsPackages && { packages: joinPackages(one ?? NO_PACKAGES, other ?? NO_PACKAGES) }),
      ...(wantsFiles && { files: { added: [], removed: [], changed: [], same: 0, volumes: [], troubles: [] } }),
    };
  }
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const bounded = { ...(await options.openInspector()), signal: AbortSignal.any([signal, limit]) };
    await using machine = await InspectingMachine.start([a, b], bounded);
    const maxEntries = wantsFiles ? MAX_ENTRIES : 0;
    await using inspector = await DiskInspector.open(machine, { disks: 2, maxEntries, signal: bounded.signal });
    const found = async (disk: number) => stated[disk] ?? (await readPackages(inspector, disk));
    return {
      ...(wantsPackages && { packages: joinPackages(await found(0), await found(1)) }),
      ...(wantsFiles && { files: await diffFiles(inspector) }),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
    const message = "looking into the disks takes too long; allow more with --timeout, or leave it out with --no-files";
    throw new InspectionError("inspection-timed-out", message);
  }
}

function joinPackages(a: FoundPackages, b: FoundPackages): InstalledDiff {
  const from = { a: a.source, b: b.source };
  // What nobody knows is not missing.
  if (a.source === undefined || b.source === undefined) return { from, ...comparePackages([], []) };
  return { from, ...comparePackages(a.packages, b.packages) };
}

async function diffFiles(inspector: DiskInspector): Promise<DisksDiff> {
  const [a, b] = inspector.listings;
  if (a === undefined || b === undefined) throw new Error("the inspecting machine was started with two disks");
  const contents = await inspector.sameContents(findCandidates(a, b));
  return {
    volumes: compareVolumes(a, b),
    ...compareFiles(a, b, contents),
    troubles: [...troublesOf("A", a), ...troublesOf("B", b)],
  };
}

function troublesOf(name: string, { volumes, troubles }: DiskListing): string[] {
  const closed = volumes.flatMap(({ partition, type, obstacle }) => {
    if (obstacle === undefined) return [];
    const which = partition === 0 ? "the disk" : `partition ${partition}`;
    return [`${name}: ${which} (${type}): ${obstacle}`];
  });
  return [...closed, ...troubles.map((text) => `${name}: ${shownPath(text)}`)];
}
