/** How long everything took, as text for the end of a log. Pure. */
import { formatDuration } from "../base/units.ts";

export interface NamedDuration {
  /** A phase, or a step of the task. */
  readonly name: string;
  readonly durationMs: number;
}

/** A line each, in columns, and the sum of a run at the end. */
export function describeTimings(durations: readonly NamedDuration[], totalMs: number): string {
  const rows = [...durations, { name: "total", durationMs: totalMs }].map(
    ({ name, durationMs }) => [name, formatDuration(durationMs)] as const,
  );
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const timeWidth = Math.max(...rows.map(([, time]) => time.length));
  return rows.map(([name, time]) => `${name.padEnd(nameWidth)}  ${time.padStart(timeWidth)}`).join("\n");
}
