/** Puts the manifest of a run and its signature beside the artifacts it lists. */
import { type KeyObject, sign } from "node:crypto";
import { Readable } from "node:stream";
import type { ArtifactRecord, StoredArtifact } from "../record.ts";
import { MANIFEST_NAME, SIGNATURE_NAME } from "../reserved-names.ts";
import { type ArtifactSink, storeArtifact } from "../store-artifact.ts";
import { buildManifest, type ManifestFacts } from "./build.ts";

export interface ManifestOptions {
  readonly facts: ManifestFacts;
  /** Everything the run has left. */
  readonly records: readonly ArtifactRecord[];
  /** Ed25519. */
  readonly key: KeyObject;
  readonly sink: ArtifactSink;
  readonly signal: AbortSignal;
}

/** The signature is over the bytes of the file: 64 bytes, as they are. */
export async function stageManifest(options: ManifestOptions): Promise<StoredArtifact[]> {
  const { facts, records, key, sink, signal } = options;
  const text = Buffer.from(`${JSON.stringify(buildManifest(facts, records), undefined, 2)}\n`);
  const put = (name: string, content: Buffer, contentType: string) =>
    storeArtifact(sink, { name, contentType }, Readable.from([content], { objectMode: false }), signal);
  return [
    await put(MANIFEST_NAME, text, "application/json"),
    await put(SIGNATURE_NAME, sign(null, text, key), "application/octet-stream"),
  ];
}
