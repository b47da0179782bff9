/** Which packages are in an image: as it says itself, or as its package manager has written down. */
import type { Image } from "../../image/store/image.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import type { Package } from "./compare-packages.ts";
import { DiskInspector } from "./disk-inspector.ts";
import type { PackageSource } from "./image-diff.ts";
import { InspectingMachine, type InspectorOptions } from "./inspecting-machine.ts";
import { MAX_DATABASE_BYTES, PACKAGE_DATABASES } from "./package-database.ts";

export interface FoundPackages {
  readonly packages: readonly Package[];
  /** Undefined: nobody knows, and there are none in the list. */
  readonly source: PackageSource | undefined;
}

/** As image.json has it; undefined if it does not say. */
export function statedPackages({ provenance }: Pick<Image, "provenance">): FoundPackages | undefined {
  const packages = provenance?.packages;
  return packages === undefined ? undefined : { packages, source: "image.json" };
}

/** @param disk Number of the disk in the machine. */
export async function readPackages(inspector: DiskInspector, disk: number): Promise<FoundPackages> {
  for (const { path, name, parse } of PACKAGE_DATABASES) {
    const content = await inspector.readFile(disk, path, MAX_DATABASE_BYTES);
    if (content !== undefined) return { packages: parse(content.toString()), source: name };
  }
  return { packages: [], source: undefined };
}

/** Of one image; opens an inspector only if the image does not say itself. */
export async function findPackages(
  lease: ImageLease,
  openInspector: () => Promise<InspectorOptions>,
): Promise<FoundPackages> {
  const stated = statedPackages(lease.image);
  if (stated !== undefined) return stated;
  const options = await openInspector();
  await using machine = await InspectingMachine.start([lease], options);
  await using inspector = await DiskInspector.open(machine, { disks: 1, maxEntries: 0, signal: options.signal });
  return await readPackages(inspector, 0);
}
