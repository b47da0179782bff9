// Generated from schemas/feature-on-exit-status.schema.json by scripts/generate-types.ts; never edited.

/**
 * Exit code of the command, as a shell has it: 128 + N after signal N.
 */
export type FeatureOnExitStatusExitCode = number;

/**
 * What certain exit codes of the command mean.
 */
export interface FeatureOnExitStatus {
  /**
   * Exit codes after which the task is an exception, `intermittent-task`, so that the queue may run it again.
   *
   * @maxItems 256
   */
  retry?: FeatureOnExitStatusExitCode[];
  /**
   * Exit codes after which the caches of the task are thrown away.
   *
   * @maxItems 256
   */
  purgeCaches?: FeatureOnExitStatusExitCode[];
}
