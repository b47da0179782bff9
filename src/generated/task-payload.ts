// Generated from schemas/task-payload.schema.json by scripts/generate-types.ts; never edited.

import type { FeatureArtifacts } from "./feature-artifacts.ts";
import type { FeatureCaches } from "./feature-caches.ts";
import type { FeatureCheckpoints, FeatureCheckpointsFrom } from "./feature-checkpoints.ts";
import type { FeatureInputs } from "./feature-inputs.ts";
import type { FeatureInteractive } from "./feature-interactive.ts";
import type { FeatureMaxRunTime } from "./feature-max-run-time.ts";
import type { FeatureNetwork } from "./feature-network.ts";
import type { FeatureOnExitStatus } from "./feature-on-exit-status.ts";
import type { FeatureOnFailure } from "./feature-on-failure.ts";
import type { FeatureScreenshots } from "./feature-screenshots.ts";
import type { FeatureSecrets } from "./feature-secrets.ts";
import type { FeatureStallTimeout } from "./feature-stall-timeout.ts";
import type { FeatureSteps, FeatureStepsCommand } from "./feature-steps.ts";
import type { FeatureVideo } from "./feature-video.ts";
import type { ImageSource } from "./image-source.ts";
import type { MachineOverrides } from "./machine.ts";

/**
 * What a task asks of the worker: an image, a command to run in a fresh machine started from it, and what to keep.
 */
export type TaskPayload = {
  /**
   * Image the machine starts from; the worker's default image if it is left out.
   */
  image?: ImageSource;
  from?: FeatureCheckpointsFrom;
  /**
   * Program and arguments; no shell is involved unless it is named.
   */
  command?: FeatureStepsCommand;
  /**
   * Several commands, one after another, instead of `command`.
   */
  steps?: FeatureSteps;
  /**
   * Environment variables of the command, added to those of the image.
   */
  env?: {
    /**
     * Value of the variable; never printed, it may be a secret.
     */
    [k: string]: string;
  };
  /**
   * Directory in the guest the command starts in; the image's default if it is left out.
   */
  cwd?: string;
  /**
   * User in the guest the command runs as; the image's default if it is left out.
   */
  user?: string;
  /**
   * Whether the command gets a terminal instead of plain pipes.
   */
  tty?: boolean;
  /**
   * Changes to the hardware the image asks for, within the limits of the worker.
   */
  machine?: MachineOverrides;
  maxRunTime?: FeatureMaxRunTime;
  stallTimeout?: FeatureStallTimeout;
  onExitStatus?: FeatureOnExitStatus;
  onFailure?: FeatureOnFailure;
  caches?: FeatureCaches;
  inputs?: FeatureInputs;
  secrets?: FeatureSecrets;
  network?: FeatureNetwork;
  interactive?: FeatureInteractive;
  checkpoints?: FeatureCheckpoints;
  screenshots?: FeatureScreenshots;
  video?: FeatureVideo;
  artifacts?: FeatureArtifacts;
} & {
  [k: string]: unknown;
};
