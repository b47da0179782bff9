/** Section `features` of the configuration: what tasks may ask for. */
import type { Issue } from "../../base/errors.ts";
import type { WorkerConfig } from "../../generated/worker-config.ts";
import type { Secrets } from "../secret.ts";
import { type ArtifactsSettings, artifactsIssues, completeArtifacts, type FilledArtifacts } from "./artifacts.ts";
import { type CachesSettings, cachesIssues, completeCaches, type FilledCaches } from "./caches.ts";
import {
  type CheckpointsSettings,
  checkpointsIssues,
  completeCheckpoints,
  type FilledCheckpoints,
} from "./checkpoints.ts";
import { completeInputs, type FilledInputs, type InputsSettings, inputsIssues } from "./inputs.ts";
import {
  completeInteractive,
  type FilledInteractive,
  type InteractiveSettings,
  interactiveIssues,
} from "./interactive.ts";
import { completeOnFailure, type FilledOnFailure, type OnFailureSettings, onFailureIssues } from "./on-failure.ts";
import { completeSecrets, type FilledSecrets, type SecretsSettings } from "./secrets.ts";
import {
  completeStallTimeout,
  type FilledStallTimeout,
  type StallTimeoutSettings,
  stallTimeoutIssues,
} from "./stall-timeout.ts";

export interface FeaturesSettings {
  readonly artifacts: ArtifactsSettings;
  readonly log: FilledFeatures["log"];
  readonly maxRunTime: FilledFeatures["maxRunTime"];
  readonly stallTimeout: StallTimeoutSettings;
  readonly caches: CachesSettings;
  readonly checkpoints: CheckpointsSettings;
  readonly onFailure: OnFailureSettings;
  readonly inputs: InputsSettings;
  readonly interactive: InteractiveSettings;
  readonly secrets: SecretsSettings;
}

type Section = NonNullable<WorkerConfig["features"]>;

/** The section, with the schema's defaults in it. */
export interface FilledFeatures extends Section {
  artifacts: FilledArtifacts;
  log: Required<NonNullable<Section["log"]>>;
  maxRunTime: Required<NonNullable<Section["maxRunTime"]>>;
  stallTimeout: FilledStallTimeout;
  caches: FilledCaches;
  checkpoints: FilledCheckpoints;
  onFailure: FilledOnFailure;
  inputs: FilledInputs;
  interactive: FilledInteractive;
  secrets: FilledSecrets;
}

export function completeFeatures(features: FilledFeatures, secrets: Secrets): FeaturesSettings {
  return {
    artifacts: completeArtifacts(features.artifacts, secrets),
    log: features.log,
    maxRunTime: features.maxRunTime,
    stallTimeout: completeStallTimeout(features.stallTimeout),
    caches: completeCaches(features.caches),
    checkpoints: completeCheckpoints(features.checkpoints),
    onFailure: completeOnFailure(features.onFailure),
    inputs: completeInputs(features.inputs),
    interactive: completeInteractive(features.interactive),
    secrets: completeSecrets(features.secrets, secrets),
  };
}

export function featuresIssues(features: FilledFeatures): Issue[] {
  return [
    ...artifactsIssues(features.artifacts),
    ...stallTimeoutIssues(features.stallTimeout),
    ...cachesIssues(features.caches),
    ...checkpointsIssues(features.checkpoints),
    ...onFailureIssues(features.onFailure),
    ...inputsIssues(features.inputs),
    ...interactiveIssues(features.interactive),
  ];
}
