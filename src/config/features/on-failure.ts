/** Section `features.onFailure` of the configuration. */
import type { Issue } from "../../base/errors.ts";
import type { FeatureOnFailureConfig } from "../../generated/feature-on-failure.ts";
import { durationIssues } from "../../schema/duration.ts";
import { durationMs, MIB } from "../quantities.ts";

export interface OnFailureSettings {
  readonly enabled: boolean;
  readonly maxKeepMs: number;
  /** Of the host. */
  readonly maxCount: number;
  /** Of all that the host keeps. */
  readonly maxBytes: number;
  /** Machines that were resumed, of the host; by way of the API. */
  readonly maxResumed: number;
  /** Who may resume what is kept. */
  readonly roles: readonly FilledOnFailure["roles"][number][];
}

/** The section, with the schema's defaults in it. */
export type FilledOnFailure = Required<FeatureOnFailureConfig>;

export function completeOnFailure({ maxKeep, maxGiB, ...rest }: FilledOnFailure): OnFailureSettings {
  return { ...rest, maxKeepMs: durationMs(maxKeep), maxBytes: Math.round(maxGiB * 1_024 * MIB) };
}

export function onFailureIssues({ maxKeep }: FilledOnFailure): Issue[] {
  return durationIssues("features.onFailure.maxKeep", maxKeep);
}
