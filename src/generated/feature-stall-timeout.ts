// Generated from schemas/feature-stall-timeout.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";

/**
 * The command is ended when it has printed nothing, and its machine has not used its disks, for so long: seconds, or a text such as "10 minutes"; one second or more. The worker's default if it is left out.
 */
export type FeatureStallTimeout = number | string;

/**
 * When a command that does nothing is ended.
 */
export interface FeatureStallTimeoutConfig {
  /**
   * Time-out of a task that has no `stallTimeout`: seconds, or a text. None if it is left out.
   */
  default?: ConfigValuesDuration;
  /**
   * Longest that a task may ask for: seconds, or a text. `limits.maxRunTime` if it is left out.
   */
  max?: ConfigValuesDuration;
}
