/** Section `limits` of the configuration: what every task has to keep to. */
import type { Issue } from "../base/errors.ts";
import type { LimitsConfig } from "../generated/limits-config.ts";
import { durationIssues } from "../schema/duration.ts";
import { durationMs, MIB } from "./quantities.ts";

export interface LimitsSettings {
  readonly maxRunTimeMs: number;
  readonly bootTimeoutMs: number;
  readonly maxLogBytes: number;
  readonly maxArtifactBytes: number;
  readonly maxArtifactFiles: number;
}

/** The section, with the schema's defaults in it. */
export type FilledLimits = Required<LimitsConfig>;

export function completeLimits(limits: FilledLimits): LimitsSettings {
  return {
    maxRunTimeMs: durationMs(limits.maxRunTime),
    bootTimeoutMs: durationMs(limits.bootTimeout),
    maxLogBytes: Math.round(limits.maxLogMiB * MIB),
    maxArtifactBytes: Math.round(limits.maxArtifactMiB * MIB),
    maxArtifactFiles: limits.maxArtifactFiles,
  };
}

export function limitsIssues({ maxRunTime, bootTimeout }: FilledLimits): Issue[] {
  return [...durationIssues("limits.maxRunTime", maxRunTime), ...durationIssues("limits.bootTimeout", bootTimeout)];
}
