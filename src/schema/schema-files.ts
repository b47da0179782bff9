/** The schema files of this package, by the name in their `$id`. */
import { readFileSync } from "node:fs";
import type { AccessConfig } from "../generated/access-config.ts";
import type { Api } from "../generated/api.ts";
import type { ConfigValues } from "../generated/config-values.ts";
import type { FeatureArtifacts } from "../generated/feature-artifacts.ts";
import type { FeatureCaches } from "../generated/feature-caches.ts";
import type { FeatureCheckpoints } from "../generated/feature-checkpoints.ts";
import type { FeatureInputs } from "../generated/feature-inputs.ts";
import type { FeatureInteractive } from "../generated/feature-interactive.ts";
import type { FeatureMaxRunTime } from "../generated/feature-max-run-time.ts";
import type { FeatureNetwork } from "../generated/feature-network.ts";
import type { FeatureOnExitStatus } from "../generated/feature-on-exit-status.ts";
import type { FeatureOnFailure } from "../generated/feature-on-failure.ts";
import type { FeatureScreenshots } from "../generated/feature-screenshots.ts";
import type { FeatureSecrets } from "../generated/feature-secrets.ts";
import type { FeatureStallTimeout } from "../generated/feature-stall-timeout.ts";
import type { FeatureSteps } from "../generated/feature-steps.ts";
import type { FeatureVideo } from "../generated/feature-video.ts";
import type { ImageProvenance } from "../generated/image.ts";
import type { ImageSource } from "../generated/image-source.ts";
import type { ImageStatement } from "../generated/image-statement.ts";
import type { ImagesConfig } from "../generated/images-config.ts";
import type { LimitsConfig } from "../generated/limits-config.ts";
import type { Machine } from "../generated/machine.ts";
import type { MachineOptions } from "../generated/machine-options.ts";
import type { MachineSnapshot } from "../generated/machine-snapshot.ts";
import type { MachineV0 } from "../generated/machine-v0.ts";
import type { MachineV1 } from "../generated/machine-v1.ts";
import type { Manifest } from "../generated/manifest.ts";
import type { NetworkConfig } from "../generated/network-config.ts";
import type { PoolConfig } from "../generated/pool-config.ts";
import type { QueueConfig } from "../generated/queue-config.ts";
import type { Recipe } from "../generated/recipe.ts";
import type { RegistryTag } from "../generated/registry-tag.ts";
import type { SignatureEnvelope } from "../generated/signature-envelope.ts";
import type { TaskDefinition } from "../generated/task-definition.ts";
import type { TaskPayload } from "../generated/task-payload.ts";
import type { TaskclusterConfig } from "../generated/taskcluster-config.ts";
import type { TelemetryConfig } from "../generated/telemetry-config.ts";
import type { VmRecord } from "../generated/vm-record.ts";
import type { VmsConfig } from "../generated/vms-config.ts";
import type { WebhooksConfig } from "../generated/webhooks-config.ts";
import type { WorkerConfig } from "../generated/worker-config.ts";
import type { WorkerProcessConfig } from "../generated/worker-process-config.ts";

/** The type each schema describes. */
export interface SchemaTypes {
  "access-config": AccessConfig;
  api: Api;
  machine: Machine;
  "machine-v0": MachineV0;
  "machine-v1": MachineV1;
  "machine-options": MachineOptions;
  "machine-snapshot": MachineSnapshot;
  manifest: Manifest;
  "task-payload": TaskPayload;
  "task-definition": TaskDefinition;
  "worker-config": WorkerConfig;
  "config-values": ConfigValues;
  "images-config": ImagesConfig;
  "limits-config": LimitsConfig;
  "network-config": NetworkConfig;
  "pool-config": PoolConfig;
  "queue-config": QueueConfig;
  recipe: Recipe;
  "feature-artifacts": FeatureArtifacts;
  "feature-caches": FeatureCaches;
  "feature-checkpoints": FeatureCheckpoints;
  "feature-inputs": FeatureInputs;
  "feature-interactive": FeatureInteractive;
  "feature-max-run-time": FeatureMaxRunTime;
  "feature-network": FeatureNetwork;
  "feature-on-exit-status": FeatureOnExitStatus;
  "feature-on-failure": FeatureOnFailure;
  "feature-secrets": FeatureSecrets;
  "feature-stall-timeout": FeatureStallTimeout;
  "taskcluster-config": TaskclusterConfig;
  "telemetry-config": TelemetryConfig;
  "webhooks-config": WebhooksConfig;
  "worker-process-config": WorkerProcessConfig;
  image: ImageProvenance;
  "image-source": ImageSource;
  "image-statement": ImageStatement;
  "registry-tag": RegistryTag;
  "signature-envelope": SignatureEnvelope;
  "vm-record": VmRecord;
  "vms-config": VmsConfig;
  "feature-screenshots": FeatureScreenshots;
  "feature-steps": FeatureSteps;
  "feature-video": FeatureVideo;
}

export type SchemaId = keyof SchemaTypes;

/** A JSON Schema, or a part of one, as far as the code here looks into it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** Every `$id` is this and the schema's name. */
export const SCHEMA_URN_PREFIX = "urn:boxcar:schema:";

const cache = new Map<SchemaId, JsonSchema>();

/** The parsed file `schemas/<id>.schema.json`. It is shared: do not change it. */
export function readSchema(id: SchemaId): JsonSchema {
  let schema = cache.get(id);
  if (schema === undefined) {
    // Two levels up from here both in src/ and in dist/.
    const file = new URL(`../../schemas/${id}.schema.json`, import.meta.url);
    schema = JSON.parse(readFileSync(file, "utf8")) as JsonSchema;
    cache.set(id, schema);
  }
  return schema;
}

/** What `reference`, which stands in `document`, points at, and the document that is in; undefined if at nothing. */
export function resolveReference(
  reference: string,
  document: JsonSchema,
): { schema: JsonSchema; document: JsonSchema } | undefined {
  const [urn = "", pointer = ""] = reference.split("#");
  const target = urn === "" ? document : readSchema(urn.slice(SCHEMA_URN_PREFIX.length) as SchemaId);
  const schema = pointer === "" ? target : target.$defs?.[pointer.replace("/$defs/", "")];
  return schema && { schema, document: target };
}

/** The schemas `schema` refers to directly, itself left out. */
export function referencedSchemas(schema: unknown): Set<SchemaId> {
  const found = new Set<SchemaId>();
  JSON.stringify(schema, (key, value: unknown) => {
    if (key === "$ref" && typeof value === "string" && value.startsWith(SCHEMA_URN_PREFIX)) {
      found.add(value.slice(SCHEMA_URN_PREFIX.length).split("#")[0] as SchemaId);
    }
    return value;
  });
  return found;
}
