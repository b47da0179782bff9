/** The pictures of a run's screen, as the run keeps them: while it takes them, and in the index among its artifacts. */
import { unsafePathReason } from "../../base/relative-path.ts";
import type { StoredArtifact } from "../artifacts/record.ts";

/** Where they are among the artifacts. */
export const SCREENS_FOLDER = "public/screens";
export const SCREENS_INDEX = `${SCREENS_FOLDER}/index.json`;

export interface ScreensSource {
  /** The oldest first; one picture may be there at several times. */
  readonly pictures: readonly TakenPicture[];
}

export interface TakenPicture {
  /** ISO 8601. */
  readonly time: string;
  /** Of the file in the folder. */
  readonly name: string;
  /** As it was stored. */
  readonly artifact: StoredArtifact;
}

/** As the index has it. */
export type IndexedPicture = Pick<TakenPicture, "time" | "name">;

/** An index is as large as that many pictures need, at most. */
export const MAX_INDEX_BYTES = 1_024 * 1_024;

export function buildIndex(pictures: readonly IndexedPicture[]): string {
  return `${JSON.stringify(
    pictures.map(({ time, name }) => ({ time, file: name })),
    undefined,
    2,
  )}\n`;
}

/** What is no index has no pictures: a task may give an artifact that name too. */
export function parseIndex(text: string): IndexedPicture[] {
  const entries = tryParse(text);
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null || !("time" in entry) || !("file" in entry)) return [];
    const { time, file } = entry;
    if (typeof time !== "string" || Number.isNaN(Date.parse(time))) return [];
    if (typeof file !== "string" || file.includes("/") || unsafePathReason(file) !== undefined) return [];
    return [{ time: new Date(time).toISOString(), name: file }];
  });
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
