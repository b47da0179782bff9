// Generated from schemas/feature-on-failure.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";

/**
 * What is to be done when the task fails, by its command, by a time-out or by a panic of its kernel.
 */
export interface FeatureOnFailure {
  /**
   * How long the machine is kept as it was at that instant, with its memory, its disk and its processes, for `boxcar resume`: seconds, or a text such as "2 hours".
   */
  keep: number | string;
}
/**
 * Machines of tasks that fail, kept as they were at that instant.
 */
export interface FeatureOnFailureConfig {
  /**
   * Whether tasks may have `onFailure`.
   */
  enabled?: boolean;
  /**
   * Longest that a machine is kept: seconds, or a text.
   */
  maxKeep?: ConfigValuesDuration;
  /**
   * How many the host keeps. One more is not kept, and the log of its task says so.
   */
  maxCount?: number;
  /**
   * What all of them may take on the disk, GiB. One for which there is no room is not kept.
   */
  maxGiB?: number;
  /**
   * How many machines that were resumed there may be on the host at once, whether they run or not, before another one is resumed by way of the API. They stay until somebody removes them.
   */
  maxResumed?: number;
  /**
   * Who may resume such a machine, and so see all that was in it, secrets too.
   *
   * @maxItems 4
   *
   * Items: A role; `viewer` and `submitter` only for tasks they have submitted themselves.
   */
  roles?: ("viewer" | "submitter" | "operator" | "admin")[];
}
