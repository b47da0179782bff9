/** The types of a configuration document in which less and less is left open. */
import type { MachineOverrides } from "../generated/machine.ts";
import type { MachineOptions } from "../generated/machine-options.ts";
import type { VmsConfig } from "../generated/vms-config.ts";
import type { WorkerConfig } from "../generated/worker-config.ts";
import type { FilledAccess } from "./access.ts";
import type { FilledFeatures } from "./features/features.ts";
import type { FilledImages } from "./images.ts";
import type { FilledLimits } from "./limits.ts";
import type { FilledNetwork, OpenNetwork } from "./network.ts";
import type { FilledPool } from "./pool.ts";
import type { FilledQueue } from "./queue.ts";
import type { FilledTelemetry } from "./telemetry.ts";
import type { FilledWebhooks } from "./webhooks.ts";
import type { FilledWorkerProcess } from "./worker-process.ts";

type Open<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

/** With the schema's defaults, as `parseAs` fills them in; what depends on the host is open. */
export interface FilledSource extends WorkerConfig {
  images: Open<FilledImages, "directory">;
  machine: MachineOverrides;
  accelerator: "auto" | "kvm" | "tcg";
  qemu: Required<NonNullable<WorkerConfig["qemu"]>>;
  pool: Open<FilledPool, "memory">;
  vms: VmsConfig;
  network: OpenNetwork;
  limits: FilledLimits;
  features: FilledFeatures;
  worker: Open<FilledWorkerProcess, "capacity">;
  queue: FilledQueue;
  telemetry: FilledTelemetry;
  webhooks: FilledWebhooks;
  access: FilledAccess;
}

/** With the host's defaults too. */
export interface FilledConfig extends FilledSource {
  stateDir: string;
  runDir: string;
  images: FilledImages;
  machineOptions: Required<MachineOptions>;
  pool: FilledPool;
  network: FilledNetwork;
  worker: FilledWorkerProcess;
}
