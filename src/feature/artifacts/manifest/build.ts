/** The signed list of what a run has left, before it is signed. Pure. */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Manifest } from "../../../generated/manifest.ts";
import type { ArtifactRecord } from "../record.ts";

export interface ManifestFacts extends Pick<Manifest, "taskId" | "runId" | "worker" | "image" | "accelerator"> {
  readonly machine?: object;
  /** As the queue had it. */
  readonly payload: unknown;
  readonly started: Date;
  readonly resolved: Date;
}

export function buildManifest(facts: ManifestFacts, records: readonly ArtifactRecord[]): Manifest {
  const { taskId, runId, worker, image, machine, accelerator, payload, started, resolved } = facts;
  return {
    ...{ version: 1, taskId, runId, worker },
    ...(image === undefined ? {} : { image: { digest: image.digest } }),
    ...(machine === undefined ? {} : { machine: { ...machine } }),
    ...(accelerator === undefined ? {} : { accelerator }),
    payload: { sha256: digestOfJson(payload) },
    started: started.toISOString(),
    resolved: resolved.toISOString(),
    artifacts: records.map(entryOf).sort(byName),
  };
}

function digestOfJson(value: unknown): string {
  return createHash("sha256")
    .update(canonicalize(value) ?? "")
    .digest("hex");
}

function entryOf(record: ArtifactRecord): Manifest["artifacts"][number] {
  if ("error" in record) return { name: record.name, error: record.error };
  const { expiresAfterMs: _expiry, file: _file, ...entry } = record;
  return entry;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
