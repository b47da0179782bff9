/** Section `features.artifacts` of the configuration. */
import type { Issue } from "../../base/errors.ts";
import type { FeatureArtifactsConfig } from "../../generated/feature-artifacts.ts";
import { durationIssues } from "../../schema/duration.ts";
import { durationMs } from "../quantities.ts";
import { type Secret, type Secrets, secretAt } from "../secret.ts";

export interface ArtifactsSettings {
  readonly publish: {
    /** Most uploads at once, of one run. */
    readonly parallel: number;
    /** For all of one run together. */
    readonly timeoutMs: number;
  };
  /** Undefined: there are no manifests. */
  readonly manifestKey: Secret | undefined;
}

/** The section, with the schema's defaults in it. */
export interface FilledArtifacts extends FeatureArtifactsConfig {
  publish: Required<NonNullable<FeatureArtifactsConfig["publish"]>>;
  manifest: NonNullable<FeatureArtifactsConfig["manifest"]>;
}

const PATH = "features.artifacts";

export function completeArtifacts({ publish, manifest }: FilledArtifacts, secrets: Secrets): ArtifactsSettings {
  return {
    publish: { parallel: publish.parallel, timeoutMs: durationMs(publish.timeout) },
    manifestKey: manifest.key === undefined ? undefined : secretAt(`${PATH}.manifest.key`, manifest.key, secrets),
  };
}

export function artifactsIssues({ publish }: FilledArtifacts): Issue[] {
  return durationIssues(`${PATH}.publish.timeout`, publish.timeout);
}
