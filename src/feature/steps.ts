/** The feature `steps`: the commands of a task, one after another; a task with one command has one, without a name. Pure. */
import type { Issue } from "../base/errors.ts";
import type { FeatureSteps } from "../generated/feature-steps.ts";
import type { TaskPayload } from "../generated/task-payload.ts";

export type StepCondition = "on-success" | "on-failure" | "always";

export interface Step {
  readonly name: string | undefined;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: those of the task. */
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  readonly when: StepCondition;
}

/** How a step ended; neither exit code nor time where it was not run. */
export interface StepResult {
  readonly name: string;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly skipped?: true;
}

/** At least one, where the payload is valid. */
export function stepsOf({ command, steps = [] }: Pick<TaskPayload, "command" | "steps">): readonly Step[] {
  const only = { name: undefined, env: {}, cwd: undefined, user: undefined, when: "on-success" } as const;
  if (command !== undefined) return [{ ...only, command }];
  return steps.map((step) => ({ ...only, ...step }));
}

/** @param hasFailed Whether a step before this one has. */
export function isRun({ when }: Step, hasFailed: boolean): boolean {
  return when === "always" || hasFailed === (when === "on-failure");
}

/** What the schema cannot say. */
export function stepIssues(steps: FeatureSteps): Issue[] {
  const issues: Issue[] = [];
  const indexByName = new Map<string, number>();
  for (const [index, { name }] of steps.entries()) {
    const taken = indexByName.get(name);
    if (taken === undefined) indexByName.set(name, index);
    else issues.push({ path: `steps[${index}].name`, message: `is the name of steps[${taken}] already` });
  }
  return issues;
}
