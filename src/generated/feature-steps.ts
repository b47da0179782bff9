// Generated from schemas/feature-steps.schema.json by scripts/generate-types.ts; never edited.

/**
 * Several commands instead of one, run one after another in the same machine.
 *
 * @minItems 1
 * @maxItems 100
 *
 * Items: One command.
 */
export type FeatureSteps = {
  /**
   * How people call it; no two steps have the same name.
   */
  name: string;
  /**
   * Program and arguments; no shell is involved unless it is named.
   */
  command: FeatureStepsCommand;
  /**
   * Variables of this step only, above those of the task.
   */
  env?: {
    /**
     * Value of the variable; never printed, it may be a secret.
     */
    [k: string]: string;
  };
  /**
   * Directory it starts in; the task's if it is left out.
   */
  cwd?: string;
  /**
   * User it runs as; the task's if it is left out.
   */
  user?: string;
  /**
   * Whether it runs only if no step before it has failed, only if one has, or in any case.
   */
  when?: "on-success" | "on-failure" | "always";
}[];

/**
 * Program and arguments.
 *
 * @minItems 1
 * @maxItems 4096
 */
export type FeatureStepsCommand = string[];
