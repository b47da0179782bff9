/** What the worker says at the begin and at the end of a log, as text for {@link TaskLog.note}. Pure. */
import { formatDuration } from "../base/units.ts";

/** As far as they are known. */
export interface RunFacts {
  readonly taskId?: string;
  readonly runId?: number;
  /** Which worker, for people: name or host. */
  readonly worker?: string;
  /** `sha256:…` */
  readonly imageDigest?: string;
  /** On one line. */
  readonly machine?: string;
  readonly accelerator?: string;
  readonly start?: "booted" | "resumed";
}

export interface NamedDuration {
  /** A phase, or a step of the task. */
  readonly name: string;
  readonly durationMs: number;
}

const STARTS = { booted: "booted", resumed: "resumed from a snapshot" } as const;

/** A line each; nothing for what is not known yet, so it may be said in parts as it becomes known. */
export function describeRun({ taskId, runId, worker, imageDigest, machine, accelerator, start }: RunFacts): string {
  const lines = [
    taskId === undefined ? undefined : `task ${taskId}${runId === undefined ? "" : `, run ${runId}`}`,
    named("worker", worker),
    named("image", imageDigest),
    named("machine", machine),
    named("accelerator", accelerator),
    named("machine start", start === undefined ? undefined : STARTS[start]),
  ];
  return lines.filter((line) => line !== undefined).join("\n");
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

function named(name: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${name}: ${value}`;
}
