/** What differs between the files of two disks. Pure. */
import type { DiskListing, ListedFile } from "./listing.ts";
import { shownPath } from "./shown-path.ts";

/** Of one file; the value on either side, for people. */
export interface Difference<T extends string = string> {
  readonly field: T;
  readonly a: string | number | undefined;
  readonly b: string | number | undefined;
}

export type FileField = "type" | "mode" | "owner" | "size" | "content" | "target" | "device" | "links";

export interface OneSided {
  readonly path: string;
  readonly type: ListedFile["type"];
  readonly sizeBytes: number;
}

export interface ChangedFile {
  readonly path: string;
  readonly differences: readonly Difference<FileField>[];
}

export interface FilesDiff {
  /** Only in B. */
  readonly added: readonly OneSided[];
  /** Only in A. */
  readonly removed: readonly OneSided[];
  readonly changed: readonly ChangedFile[];
  /** How many are the same. */
  readonly same: number;
}

export interface FilePair {
  /** As {@link DiskListing.files} has it. */
  readonly path: string;
  readonly a: ListedFile;
  readonly b: ListedFile;
}

/** Files on both sides of which only their contents can tell whether they are the same. */
export function findCandidates(a: DiskListing, b: DiskListing): FilePair[] {
  return [...a.files].flatMap(([path, one]) => {
    const other = b.files.get(path);
    const isAlike = other?.type === "file" && one.type === "file" && one.sizeBytes === other.sizeBytes;
    return isAlike && one.sizeBytes > 0 ? [{ path, a: one, b: other }] : [];
  });
}

/** @param contents Path of a candidate → whether its contents are the same, or why that is unknown. */
export function compareFiles(
  a: DiskListing,
  b: DiskListing,
  contents: ReadonlyMap<string, boolean | string>,
): FilesDiff {
  const changed: ChangedFile[] = [];
  const removed: OneSided[] = [];
  let same = 0;
  for (const [path, one] of a.files) {
    const other = b.files.get(path);
    if (other === undefined) removed.push(oneSided(path, one));
    else {
      const differences = differencesOf(one, other, contents.get(path));
      if (differences.length === 0) same++;
      else changed.push({ path: shownPath(path), differences });
    }
  }
  const added = [...b.files].filter(([path]) => !a.files.has(path)).map(([path, file]) => oneSided(path, file));
  return { added: sorted(added), removed: sorted(removed), changed: sorted(changed), same };
}

function differencesOf(a: ListedFile, b: ListedFile, content: boolean | string | undefined): Difference<FileField>[] {
  const facts: readonly (readonly [FileField, string | number | undefined, string | number | undefined])[] = [
    ["type", a.type, b.type],
    ["size", a.sizeBytes, b.sizeBytes],
    ["mode", octal(a), octal(b)],
    ["owner", `${a.uid}:${a.gid}`, `${b.uid}:${b.gid}`],
    ["target", a.target && shownPath(a.target), b.target && shownPath(b.target)],
    ["device", a.device, b.device],
    ["links", a.links, b.links],
  ];
  const differences = facts.flatMap(([field, one, other]) => (one === other ? [] : [{ field, a: one, b: other }]));
  if (content === false) differences.push({ field: "content", a: undefined, b: undefined });
  if (typeof content === "string") differences.push({ field: "content", a: content, b: content });
  return differences;
}

function oneSided(path: string, { type, sizeBytes }: ListedFile): OneSided {
  return { path: shownPath(path), type, sizeBytes };
}

function octal({ mode }: ListedFile): string {
  return mode.toString(8).padStart(4, "0");
}

function sorted<T extends { readonly path: string }>(files: T[]): T[] {
  return files.sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
}
