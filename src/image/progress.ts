/** Progress of long work, as lines that are few enough for a log. */
import { formatBytes } from "../base/units.ts";
import type { ImportProgress } from "./store/importer.ts";

const EVERY_MS = 5_000;

/** At most one line every 5 s; short work says nothing. */
export function throttledProgress(
  say: (text: string) => void,
  now: () => number = () => performance.now(),
): (progress: ImportProgress) => void {
  let last = now();
  return (progress) => {
    if (now() - last < EVERY_MS) return;
    last = now();
    say(describeProgress(progress));
  };
}

export function describeProgress({ doneBytes, totalBytes }: ImportProgress): string {
  if (totalBytes === undefined) return `unpacking the image: ${formatBytes(doneBytes)}`;
  return `unpacking the image: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
}
