/** What the log of a task says of its downloads. */
import { formatBytes } from "../../base/units.ts";

const EVERY_MS = 10_000;

/** A line when it begins, and one every 10 s. */
export function downloadNotes(
  url: string,
  note: (text: string) => void,
  now: () => number = () => performance.now(),
): (doneBytes: number, totalBytes: number | undefined) => void {
  let last: number | undefined;
  return (doneBytes, totalBytes) => {
    const time = now();
    if (last !== undefined && time - last < EVERY_MS) return;
    const total = totalBytes === undefined ? undefined : formatBytes(totalBytes);
    if (last === undefined) note(`downloading ${url}${total === undefined ? "" : `, ${total}`}`);
    else note(`downloading ${url}: ${formatBytes(doneBytes)}${total === undefined ? "" : ` of ${total}`}`);
    last = time;
  };
}
