/** The configuration of one worker process: file < environment, every default decided, frozen. Pure. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import type { MachineOverrides } from "../generated/machine.ts";
import type { MachineOptions } from "../generated/machine-options.ts";
import { type AccessSettings, accessIssues, completeAccess } from "./access.ts";
import { completeFeatures, type FeaturesSettings, featuresIssues } from "./features/features.ts";
import type { FilledConfig } from "./filled-config.ts";
import { withHostDefaults } from "./host-defaults.ts";
import type { Surroundings } from "./host-facts.ts";
import { completeImages, type ImagesSettings, imagesIssues } from "./images.ts";
import { completeLimits, type LimitsSettings, limitsIssues } from "./limits.ts";
import { machineIssues } from "./machines.ts";
import { completeNetwork, type NetworkSettings, networkIssues } from "./network.ts";
import { completePool, type PoolSettings, poolIssues } from "./pool.ts";
import { completeQueue, type QueueSettings, queueIssues } from "./queue.ts";
import { runDirIssues } from "./run-dir.ts";
import type { Secrets } from "./secret.ts";
import { type ConfigSource, combineSources, withVariables } from "./source.ts";
import { completeTelemetry, type TelemetrySettings, telemetryIssues } from "./telemetry.ts";
import { completeVms, type VmsSettings } from "./vms.ts";
import { completeWebhooks, type WebhookSettings, webhooksIssues } from "./webhooks.ts";
import { completeWorkerProcess, type WorkerSettings, workerProcessIssues } from "./worker-process.ts";

/** See schemas/worker-config.schema.json for what each field means; here durations are ms and sizes bytes. */
export interface Config {
  readonly stateDir: string;
  readonly runDir: string;
  readonly images: ImagesSettings;
  readonly machineOptions: Readonly<Required<MachineOptions>>;
  readonly machine: Readonly<MachineOverrides>;
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly qemu: { readonly binary: string };
  readonly pool: PoolSettings;
  readonly vms: VmsSettings;
  readonly network: NetworkSettings;
  readonly limits: LimitsSettings;
  readonly features: FeaturesSettings;
  readonly worker: WorkerSettings;
  readonly queue: QueueSettings;
  readonly telemetry: TelemetrySettings;
  readonly webhooks: readonly WebhookSettings[];
  readonly access: AccessSettings;
}

/**
 * The configuration that `document` and the environment make together.
 *
 * @param document What the configuration file says; undefined if there is none. Secrets that are somewhere else are not
 *   read.
 * @throws {@link InvalidInputError} (blame: host) with every issue of the file and of the environment.
 */
export function resolveConfig(document: unknown, surroundings: Surroundings, subject = "The configuration"): Config {
  return completeConfig(combineSources(document, surroundings.env), surroundings, { subject });
}

/** @throws {@link InvalidInputError} (blame: host) with every issue of the source, and of what it says. */
export function completeConfig(
  source: ConfigSource,
  surroundings: Surroundings,
  { subject = "The configuration", secrets = new Map() }: { subject?: string; secrets?: Secrets } = {},
): Config {
  const filled = withHostDefaults(source.document, surroundings);
  const issues = [...source.issues, ...withVariables(semanticIssues(filled), source.variables)];
  if (issues.length > 0) throw new InvalidInputError(subject, issues, "host");
  return deepFreeze(complete(filled, secrets));
}

function complete(filled: FilledConfig, secrets: Secrets): Config {
  const { stateDir, runDir, machineOptions, machine, accelerator, qemu } = filled;
  return {
    stateDir,
    runDir,
    images: completeImages(filled.images, secrets),
    machineOptions,
    machine,
    accelerator,
    qemu,
    pool: completePool(filled.pool),
    vms: completeVms(filled.vms),
    network: completeNetwork(filled.network, secrets),
    limits: completeLimits(filled.limits),
    features: completeFeatures(filled.features, secrets),
    worker: completeWorkerProcess(filled.worker),
    queue: completeQueue(filled.queue, secrets),
    telemetry: completeTelemetry(filled.telemetry, secrets),
    webhooks: completeWebhooks(filled.webhooks, secrets),
    access: completeAccess(filled.access, secrets),
  };
}

function semanticIssues(filled: FilledConfig): Issue[] {
  return [
    ...imagesIssues(filled.images),
    ...limitsIssues(filled.limits),
    ...poolIssues(filled.pool),
    ...networkIssues(filled.network),
    ...runDirIssues(filled.runDir),
    ...machineIssues(filled.machine, filled.machineOptions),
    ...featuresIssues(filled.features),
    ...workerProcessIssues(filled.worker, filled.access.enabled),
    ...queueIssues(filled.queue),
    ...telemetryIssues(filled.telemetry),
    ...webhooksIssues(filled.webhooks, filled.queue.driver),
    ...accessIssues(filled.access, filled.worker.http.url),
  ];
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
