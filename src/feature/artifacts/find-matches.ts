/** Which files, or folders, of a guest a pattern means. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Glob, matches } from "./glob.ts";

/** After so long others get their turn: a guest can list a hundred thousand paths. */
const TURN_MS = 10;

/**
 * The files that match.
 *
 * @param listed Below {@link Glob.folder}, checked.
 */
export async function findFiles(glob: Glob, listed: readonly string[], signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for await (const path of inTurns(listed, signal)) if (matches(glob, path)) found.push(path);
  return found;
}

/** The folders with files in them that match; not those inside another that does. */
export async function findFolders(glob: Glob, listed: readonly string[], signal: AbortSignal): Promise<string[]> {
  const answers = new Map<string, boolean>();
  const isMeant = (folder: string): boolean => {
    const answer = answers.get(folder) ?? matches(glob, folder);
    answers.set(folder, answer);
    return answer;
  };
  const found = new Set<string>();
  for await (const path of inTurns(listed, signal)) {
    const folder = foldersOf(path).find(isMeant);
    if (folder !== undefined) found.add(folder);
  }
  return [...found];
}

/** To be asked of the guest at once: a folder with the files that are wanted of it, or one file. */
export type Fetch = { readonly folder: string; readonly only?: ReadonlySet<string> } | { readonly file: string };

/**
 * How to fetch the files that match: a folder in which all do in one go, the others one by one, which takes the guest
 * far longer for each. What is not wanted is never fetched, it may be large.
 */
export async function planFetches(
  found: readonly string[],
  listed: readonly string[],
  signal: AbortSignal,
): Promise<Fetch[]> {
  const wanted = new Set(found);
  const partial = new Set<string>();
  for await (const path of inTurns(listed, signal)) {
    if (wanted.has(path)) continue;
    for (const folder of ["", ...foldersOf(path)]) partial.add(folder);
  }
  const groups = new Map<string, string[]>();
  for await (const path of inTurns(found, signal)) {
    const folder = ["", ...foldersOf(path)].find((candidate) => !partial.has(candidate));
    const key = folder ?? `/${path}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [path]);
    else group.push(path);
  }
  return [...groups].map(([folder, paths]) => {
    const [first = ""] = paths;
    if (paths.length === 1) return { file: first };
    return { folder, only: new Set(paths.map((path) => (folder === "" ? path : path.slice(folder.length + 1)))) };
  });
}

/** From the outermost on. */
function foldersOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join("/"));
}

async function* inTurns(paths: readonly string[], signal: AbortSignal): AsyncGenerator<string> {
  let turnMs = performance.now();
  for (const path of paths) {
    yield path;
    if (performance.now() - turnMs < TURN_MS) continue;
    await nextTurn();
    signal.throwIfAborted();
    turnMs = performance.now();
  }
}
