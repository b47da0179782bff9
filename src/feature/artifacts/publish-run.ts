/** Hands everything a run has left to the queue, and last of all the signed list of it. */
import type { KeyObject } from "node:crypto";
import type { ManifestFacts } from "./manifest/build.ts";
import { stageManifest } from "./manifest/stage.ts";
import { type Publication, type PublishOptions, publishArtifacts } from "./publish.ts";
import type { ArtifactRecord } from "./record.ts";
import type { ArtifactSink } from "./store-artifact.ts";

export interface PublishRunOptions extends Omit<PublishOptions, "resolved"> {
  readonly facts: ManifestFacts;
  /** Undefined: no manifest. */
  readonly key: KeyObject | undefined;
  /** The store in {@link PublishOptions.directory}. */
  readonly sink: ArtifactSink;
}

/**
 * The manifest lists what the queue has; there is none where something could not be handed over.
 *
 * @throws `signal.reason`, at once; what the sink throws.
 */
export async function publishRun(
  records: readonly ArtifactRecord[],
  { facts, key, sink, ...options }: PublishRunOptions,
): Promise<Publication> {
  const { signal } = options;
  const settings = { ...options, resolved: facts.resolved };
  const run = await publishArtifacts(records, settings);
  if (key === undefined || run.failures.length > 0) return run;
  const staged = await stageManifest({ facts, records: run.records, key, sink, signal });
  const manifest = await publishArtifacts(staged, settings);
  return {
    records: [...run.records, ...manifest.records],
    refused: [...run.refused, ...manifest.refused],
    failures: manifest.failures,
  };
}
