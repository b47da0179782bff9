// Generated from schemas/worker-config.schema.json by scripts/generate-types.ts; never edited.

import type { AccessConfig } from "./access-config.ts";
import type { ConfigValuesAbsolutePath } from "./config-values.ts";
import type { FeatureArtifactsConfig } from "./feature-artifacts.ts";
import type { FeatureCachesConfig } from "./feature-caches.ts";
import type { FeatureCheckpointsConfig } from "./feature-checkpoints.ts";
import type { FeatureInputsConfig } from "./feature-inputs.ts";
import type { FeatureInteractiveConfig } from "./feature-interactive.ts";
import type { FeatureMaxRunTimeConfig } from "./feature-max-run-time.ts";
import type { FeatureOnFailureConfig } from "./feature-on-failure.ts";
import type { FeatureSecretsConfig } from "./feature-secrets.ts";
import type { FeatureStallTimeoutConfig } from "./feature-stall-timeout.ts";
import type { ImagesConfig } from "./images-config.ts";
import type { LimitsConfig } from "./limits-config.ts";
import type { MachineOverrides } from "./machine.ts";
import type { MachineOptions } from "./machine-options.ts";
import type { NetworkConfig } from "./network-config.ts";
import type { PoolConfig } from "./pool-config.ts";
import type { QueueConfig } from "./queue-config.ts";
import type { TelemetryConfig } from "./telemetry-config.ts";
import type { VmsConfig } from "./vms-config.ts";
import type { WebhooksConfig } from "./webhooks-config.ts";
import type { WorkerProcessConfig } from "./worker-process-config.ts";

/**
 * Configuration file of a worker. Everything has a default; see config/worker.example.yml.
 */
export interface WorkerConfig {
  /**
   * Directory for images, caches and the disks of running machines. `/var/lib/boxcar` for root, else `$XDG_STATE_HOME/boxcar` or `~/.local/state/boxcar`. Environment: BOXCAR_STATE_DIR.
   */
  stateDir?: ConfigValuesAbsolutePath;
  /**
   * Directory for the sockets of running machines. Nobody else may write to it, and it must be short, at most 64 bytes, because paths of sockets are limited. `/run/boxcar` for root, else `$XDG_RUNTIME_DIR/boxcar` or `/tmp/boxcar-UID`. Environment: BOXCAR_RUN_DIR.
   */
  runDir?: ConfigValuesAbsolutePath;
  images?: ImagesConfig;
  /**
   * Limits on the machines of tasks. Half of the host's memory but at most 4096 MiB, and all its CPUs, if it is left out.
   */
  machineOptions?: MachineOptions;
  /**
   * Hardware of machines where neither the task nor the image says what it wants.
   */
  machine?: MachineOverrides;
  /**
   * How machines run: `kvm` uses the CPU itself, `tcg` emulates it, `auto` tries whether a guest really runs under kvm and falls back to tcg. Environment: BOXCAR_ACCELERATOR.
   */
  accelerator?: "auto" | "kvm" | "tcg";
  /**
   * The installed QEMU.
   */
  qemu?: {
    /**
     * Name or path of the QEMU program.
     */
    binary?: string;
  };
  pool?: PoolConfig;
  vms?: VmsConfig;
  network?: NetworkConfig;
  limits?: LimitsConfig;
  /**
   * What tasks may ask for, beside a machine and a command.
   */
  features?: {
    artifacts?: FeatureArtifactsConfig;
    /**
     * Logs of tasks.
     */
    log?: {
      /**
       * How they are packed when they are kept as artifacts. zstd is quicker; not every browser and proxy unpacks it.
       */
      encoding?: "gzip" | "zstd";
    };
    maxRunTime?: FeatureMaxRunTimeConfig;
    stallTimeout?: FeatureStallTimeoutConfig;
    caches?: FeatureCachesConfig;
    inputs?: FeatureInputsConfig;
    interactive?: FeatureInteractiveConfig;
    checkpoints?: FeatureCheckpointsConfig;
    onFailure?: FeatureOnFailureConfig;
    secrets?: FeatureSecretsConfig;
  };
  worker?: WorkerProcessConfig;
  queue?: QueueConfig;
  telemetry?: TelemetryConfig;
  webhooks?: WebhooksConfig;
  access?: AccessConfig;
}
