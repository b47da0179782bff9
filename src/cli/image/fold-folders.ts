/** Files that came or went with the folder they are in, told as one. Pure. */
import type { OneSided } from "../../builder/inspect/compare-files.ts";

export interface FoldedFile extends OneSided {
  /** How many are below it, which are not in the list; then its size is theirs. */
  readonly below: number;
}

/** @param files In the order of their paths. */
export function foldFolders(files: readonly OneSided[]): FoldedFile[] {
  const folders = new Set(files.filter(({ type }) => type === "folder").map(({ path }) => path));
  const folded = new Map<string, FoldedFile>();
  for (const file of files) {
    const top = topFolder(file.path, folders);
    const known = top === undefined ? undefined : folded.get(top);
    if (top === undefined || known === undefined) folded.set(file.path, { ...file, below: 0 });
    else folded.set(top, { ...known, below: known.below + 1, sizeBytes: known.sizeBytes + file.sizeBytes });
  }
  return [...folded.values()].map((file) => (file.below === 0 ? file : { ...file, path: `${file.path}/` }));
}

/** The highest of the folders above it. */
function topFolder(path: string, folders: ReadonlySet<string>): string | undefined {
  for (let end = path.indexOf("/", 1); end !== -1; end = path.indexOf("/", end + 1)) {
    const above = path.slice(0, end);
    if (folders.has(above)) return above;
  }
  return undefined;
}
