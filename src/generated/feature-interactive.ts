// Generated from schemas/feature-interactive.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";

/**
 * The machine is for a person too: who submitted the task may use its display and open shells in it, while the command runs and for a while after it.
 */
export interface FeatureInteractive {
  /**
   * Whether the submitter may open shells.
   */
  shell?: boolean;
  /**
   * Whether the submitter may use the display, with keyboard and mouse.
   */
  display?: boolean;
  /**
   * How long the machine stays after the command, unless it is released before: seconds, or a text such as "30 minutes"; 0: not at all. The worker's default if it is left out.
   */
  keepAfter?: number | string;
}
/**
 * Machines that are for a person too.
 */
export interface FeatureInteractiveConfig {
  /**
   * Whether tasks may have `interactive`.
   */
  enabled?: boolean;
  /**
   * How long the machine of such a task stays after its command where the task does not say: seconds, or a text; maxKeepAfter at most.
   */
  keepAfter?: ConfigValuesDuration;
  /**
   * Longest that a machine stays after its command, also where somebody asks for more time later: seconds, or a text.
   */
  maxKeepAfter?: ConfigValuesDuration;
}
