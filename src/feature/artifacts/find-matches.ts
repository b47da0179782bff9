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
