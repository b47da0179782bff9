/** Section `features.checkpoints` of the configuration. */
import type { Issue } from "../../base/errors.ts";
import type { FeatureCheckpointsConfig } from "../../generated/feature-checkpoints.ts";
import { durationIssues } from "../../schema/duration.ts";
import { durationMs, MIB } from "../quantities.ts";

export interface CheckpointsSettings {
  readonly enabled: boolean;
  readonly maxPerTask: number;
  /** Of the host. */
  readonly maxCount: number;
  /** Of all that the host keeps. */
  readonly maxBytes: number;
  /** Where a task does not say; never longer than {@link maxExpiresMs}. */
  readonly expiresMs: number;
  readonly maxExpiresMs: number;
  readonly whenFull: "refuse" | "drop-oldest";
  readonly whenMissing: "fail" | "retry";
}

/** The section, with the schema's defaults in it. */
export type FilledCheckpoints = Required<FeatureCheckpointsConfig>;

const PATH = "features.checkpoints";

export function completeCheckpoints({ maxGiB, expires, maxExpires, ...rest }: FilledCheckpoints): CheckpointsSettings {
  const maxExpiresMs = durationMs(maxExpires);
  const maxBytes = Math.round(maxGiB * 1_024 * MIB);
  return { ...rest, maxBytes, expiresMs: Math.min(durationMs(expires), maxExpiresMs), maxExpiresMs };
}

export function checkpointsIssues({ expires, maxExpires }: FilledCheckpoints): Issue[] {
  return [...durationIssues(`${PATH}.expires`, expires), ...durationIssues(`${PATH}.maxExpires`, maxExpires)];
}
