// Generated from schemas/feature-max-run-time.schema.json by scripts/generate-types.ts; never edited.

/**
 * How long the command may run: seconds, or a text such as "10 minutes". The worker's limit if it is left out; asking for more than that limit is an error.
 */
export type FeatureMaxRunTime = number | string;

/**
 * Who says how long a command may run. The bound is `limits.maxRunTime`.
 */
export interface FeatureMaxRunTimeConfig {
  /**
   * Whether a task must, may or must not have a `maxRunTime`.
   */
  perTask?: "require" | "allow" | "forbid";
}
