/** What differs between two images, for people and programs. */
import type { BootFileDiff } from "./boot-files.ts";
import type { DocumentChange } from "./compare-documents.ts";
import type { FilesDiff } from "./compare-files.ts";
import type { PackagesDiff } from "./compare-packages.ts";
import type { Volume } from "./records.ts";

export type Section = "machine" | "provenance" | "packages" | "files";

export const SECTIONS: readonly Section[] = ["machine", "provenance", "packages", "files"];

export interface ComparedImage {
  /** As it was asked for. */
  readonly reference: string;
  readonly digest: string;
  /** Of the disk a machine sees. */
  readonly virtualBytes: number;
}

/** How one image lies on the other. */
export type Relation = "same" | "b-on-a" | "a-on-b" | "one-origin" | "none";

/** Where it is known from which packages there are; undefined: nobody knows. */
export type PackageSource = "image.json" | "dpkg" | "apk";

export interface VolumeDiff {
  /** Of the table of the disk; 0: the whole disk. */
  readonly partition: number;
  readonly a: Volume | undefined;
  readonly b: Volume | undefined;
}

export interface DisksDiff extends FilesDiff {
  /** Of those that cannot be looked into this is all that is compared. */
  readonly volumes: readonly VolumeDiff[];
  /** What could not be looked into, so that there may be more. */
  readonly troubles: readonly string[];
}

export interface InstalledDiff extends PackagesDiff {
  readonly from: { readonly a: PackageSource | undefined; readonly b: PackageSource | undefined };
}

/** Sections that were not asked for are undefined. */
export interface ImageDiff {
  readonly same: boolean;
  readonly a: ComparedImage;
  readonly b: ComparedImage;
  readonly relation: Relation;
  readonly machine?: readonly DocumentChange[];
  readonly boot?: readonly BootFileDiff[];
  readonly provenance?: readonly DocumentChange[];
  readonly packages?: InstalledDiff;
  readonly files?: DisksDiff;
}

/** Whether nothing differs of what was compared. */
export function isSame({ machine, boot, provenance, packages, files }: Omit<ImageDiff, "same">): boolean {
  const lists = [
    ...[machine, boot, provenance],
    ...[packages?.added, packages?.removed, packages?.changed],
    ...[files?.added, files?.removed, files?.changed, files?.volumes],
  ];
  return lists.every((list) => list === undefined || list.length === 0);
}

/** Whether there may be more that differs than was found: something could not be looked into, or is not known. */
export function isPartial({ relation, packages, files }: Pick<ImageDiff, "relation" | "packages" | "files">): boolean {
  if (relation === "same") return false;
  const isUnknown = packages !== undefined && (packages.from.a === undefined || packages.from.b === undefined);
  return isUnknown || (files !== undefined && files.troubles.length > 0);
}
