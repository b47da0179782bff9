/** Section `features.interactive` of the configuration. */
import type { Issue } from "../../base/errors.ts";
import type { FeatureInteractiveConfig } from "../../generated/feature-interactive.ts";
import { durationIssues } from "../../schema/duration.ts";
import { durationMs } from "../quantities.ts";

export interface InteractiveSettings {
  readonly enabled: boolean;
  /** Where a task does not say; never longer than {@link maxKeepAfterMs}. */
  readonly keepAfterMs: number;
  readonly maxKeepAfterMs: number;
}

/** The section, with the schema's defaults in it. */
export type FilledInteractive = Required<FeatureInteractiveConfig>;

const PATH = "features.interactive";

export function completeInteractive({ enabled, keepAfter, maxKeepAfter }: FilledInteractive): InteractiveSettings {
  const maxKeepAfterMs = durationMs(maxKeepAfter);
  return { enabled, keepAfterMs: Math.min(durationMs(keepAfter), maxKeepAfterMs), maxKeepAfterMs };
}

export function interactiveIssues({ keepAfter, maxKeepAfter }: FilledInteractive): Issue[] {
  return [...durationIssues(`${PATH}.keepAfter`, keepAfter), ...durationIssues(`${PATH}.maxKeepAfter`, maxKeepAfter)];
}
