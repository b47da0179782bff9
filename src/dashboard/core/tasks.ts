/** What a list of tasks says about them. Pure. */
import type { ApiRun, ApiTask } from "../../generated/api.ts";

export function lastRun(task: Pick<ApiTask, "runs">): ApiRun | undefined {
  return task.runs.at(-1);
}

export function titleOf(task: { name?: string; taskId: string }): string {
  return task.name ?? task.taskId;
}

/** Why it ended as it did, on one line; undefined where there is nothing to explain. */
export function whyOf(task: Pick<ApiTask, "runs" | "state">): string | undefined {
  const run = lastRun(task);
  if (run === undefined || (task.state !== "failed" && task.state !== "exception")) return undefined;
  const facts = [run.reason, run.exitCode === undefined ? undefined : `exit code ${run.exitCode}`].filter(
    (fact) => fact !== undefined,
  );
  const message = run.message?.split("\n", 1)[0];
  return [facts.join(", "), message].filter((part) => part !== undefined && part !== "").join(": ") || undefined;
}

export interface FailureGroup {
  readonly name: string;
  /** The newest first. */
  readonly tasks: readonly ApiTask[];
}

/** Tasks of one name are one entry: what fails again and again is one problem. */
export function groupFailures(tasks: readonly ApiTask[]): FailureGroup[] {
  return [...Map.groupBy(tasks, titleOf)].map(([name, own]) => ({ name, tasks: own }));
}

/** When it began and ended, as far as it has. */
export function spanOf(task: Pick<ApiTask, "runs">): { since: string; until?: string } | undefined {
  const run = lastRun(task);
  if (run?.started === undefined) return undefined;
  return { since: run.started, ...(run.resolved === undefined ? {} : { until: run.resolved }) };
}
