// Generated from schemas/limits-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";

/**
 * Limits on every task.
 */
export interface LimitsConfig {
  /**
   * Longest time a command may run, and the time it gets if its task names none: seconds, or a text such as "2 hours".
   */
  maxRunTime?: ConfigValuesDuration;
  /**
   * How long a machine may take from its start until the guest asks for its command: seconds, or a text.
   */
  bootTimeout?: ConfigValuesDuration;
  /**
   * Largest log of a task, in MiB; what comes after is dropped and the log says so.
   */
  maxLogMiB?: number;
  /**
   * Largest artifact, in MiB: one file, or everything in one folder.
   */
  maxArtifactMiB?: number;
  /**
   * Most files, and folders, in a folder kept as an artifact.
   */
  maxArtifactFiles?: number;
}
