/** What a worker tells of one of its runs: when it did what, on which machine. Kept among the artifacts of the run. */
import type { MadeCheckpoint } from "../feature/checkpoints/made.ts";
import type { KeptMachine } from "../feature/on-failure/kept-machine.ts";
import type { StepResult } from "../feature/steps.ts";
import type { Phase } from "./task-result.ts";

/** Those of the run on its host, and what comes after its machine is gone. */
export type RunPhase = Phase | "publish";

export interface RunReportParts {
  /** In the order in which they began; only the last may have no duration: it goes on, or did when the report was kept. */
  readonly phases: readonly RunReportPhase[];
  /** Of a task with steps, as far as it came. */
  readonly steps: readonly StepResult[];
  readonly image?: { readonly digest: string };
  /** For people. */
  readonly machine?: string;
  readonly accelerator?: string;
  readonly start?: "booted" | "resumed" | "forked";
  /** What the task has kept of its machine, on the host of this worker; absent if nothing. */
  readonly checkpoints?: readonly MadeCheckpoint[];
  /** Its machine as it was when it failed, on that host; absent if that is not kept. */
  readonly saved?: KeptMachine;
  /** Who ran it. */
  readonly workerId: string;
}

export interface RunReportPhase {
  readonly name: RunPhase;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs?: number;
}

/** Among the artifacts of a run. */
export const REPORT_FILE = "run.json";
export const REPORT_ARTIFACT = `public/logs/${REPORT_FILE}`;
export const REPORT_CONTENT_TYPE = "application/json";

/** Undefined for what no worker has written. */
export function tryParseReport(text: string): RunReportParts | undefined {
  try {
    const data: unknown = JSON.parse(text);
    return isReport(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** The worker alone gives an artifact that name: it is whole, or was cut off. */
function isReport(data: unknown): data is RunReportParts {
  if (typeof data !== "object" || data === null || !("phases" in data) || !("steps" in data)) return false;
  return Array.isArray(data.phases) && Array.isArray(data.steps);
}
