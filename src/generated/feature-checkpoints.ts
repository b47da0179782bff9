// Generated from schemas/feature-checkpoints.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";

/**
 * The task may keep its machine as it is at an instant, with `boxcar-agent checkpoint NAME`, and later tasks may start from that, on the same host.
 */
export interface FeatureCheckpoints {
  /**
   * How many checkpoints the task may make; the most that the worker allows if it is left out.
   */
  max?: number;
  /**
   * Which tasks may start from them. `private`: those of who submitted this one; on Taskcluster those with the scope `queue:get-artifact:private/checkpoints/NAME`. `host`: all of this worker.
   */
  scope?: "private" | "host";
  /**
   * How long each is kept: seconds, or a text such as "2 hours". The worker's default if it is left out.
   */
  expires?: number | string;
}
/**
 * The machine goes on where another task made a checkpoint, with the command of this one instead of that one's. Takes the place of `image` and `machine`.
 */
export interface FeatureCheckpointsFrom {
  /**
   * Which task made it.
   */
  task: string;
  /**
   * In which of its runs; the newest checkpoint of that name if it is left out.
   */
  run?: number;
  /**
   * What it was called.
   */
  checkpoint: string;
  /**
   * Which of several tasks that start from it this one is, counted from 0; the command has it as `BOXCAR_FORK_INDEX`.
   */
  index?: number;
  /**
   * How many they are; the command has it as `BOXCAR_FORK_COUNT`.
   */
  count?: number;
}
/**
 * Machines that tasks keep as they are at an instant, and start from.
 */
export interface FeatureCheckpointsConfig {
  /**
   * Whether tasks may have `checkpoints`, and start `from` one.
   */
  enabled?: boolean;
  /**
   * How many checkpoints one run may make.
   */
  maxPerTask?: number;
  /**
   * How many the host keeps.
   */
  maxCount?: number;
  /**
   * What all of them may take on the disk, GiB.
   */
  maxGiB?: number;
  /**
   * How long one is kept where the task does not say: seconds, or a text; maxExpires at most.
   */
  expires?: ConfigValuesDuration;
  /**
   * Longest that one is kept: seconds, or a text.
   */
  maxExpires?: ConfigValuesDuration;
  /**
   * What happens to a checkpoint for which there is no room. `refuse`: it is not made, and the task is told. `drop-oldest`: the oldest go that nobody starts from at that moment.
   */
  whenFull?: "refuse" | "drop-oldest";
  /**
   * What becomes of a task whose checkpoint is not on this host. `fail`: it ends with the reason resource-unavailable. `retry`: it is given back to the queue as often as it has retries, because another worker of its queue may have the checkpoint.
   */
  whenMissing?: "fail" | "retry";
}
