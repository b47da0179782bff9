/** Section `features.stallTimeout` of the configuration. */
import type { Issue } from "../../base/errors.ts";
import type { FeatureStallTimeoutConfig } from "../../generated/feature-stall-timeout.ts";
import { durationIssues } from "../../schema/duration.ts";
import { durationMs } from "../quantities.ts";

export interface StallTimeoutSettings {
  /** Of tasks that say nothing; undefined: none. */
  readonly defaultMs: number | undefined;
  /** Undefined: the longest run time. */
  readonly maxMs: number | undefined;
}

/** The section; it has no defaults of the schema. */
export type FilledStallTimeout = FeatureStallTimeoutConfig;

const PATH = "features.stallTimeout";

export function completeStallTimeout(section: FilledStallTimeout): StallTimeoutSettings {
  return {
    defaultMs: section.default === undefined ? undefined : durationMs(section.default),
    maxMs: section.max === undefined ? undefined : durationMs(section.max),
  };
}

export function stallTimeoutIssues(section: FilledStallTimeout): Issue[] {
  const issues = (["default", "max"] as const).flatMap((key) => {
    const value = section[key];
    return value === undefined ? [] : durationIssues(`${PATH}.${key}`, value);
  });
  if (issues.length > 0) return issues;
  const { defaultMs = 0, maxMs = Infinity } = completeStallTimeout(section);
  return defaultMs <= maxMs ? [] : [{ path: `${PATH}.default`, message: `is longer than ${PATH}.max allows` }];
}
