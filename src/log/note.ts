/** The worker's own lines in a log: marked, and with their time, in UTC. Pure. */
export function formatNote(text: string, now: Date): string {
  const stamp = now.toISOString().slice(11, 23);
  return text
    .split("\n")
    .map((line) => `[boxcar ${stamp}] ${line}\n`)
    .join("");
}
