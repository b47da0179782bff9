/** What a task says of the person its machine is for too, parsed; what its schema cannot say of that. Pure. */
import type { Issue } from "../../base/errors.ts";
import { tryParseDuration } from "../../base/units.ts";
import type { InteractiveSettings } from "../../config/features/interactive.ts";
import type { FeatureInteractive } from "../../generated/feature-interactive.ts";
import { durationIssues } from "../../schema/duration.ts";
import { isDuration } from "../is-duration.ts";

export interface InteractiveRequest {
  readonly shell: boolean;
  readonly display: boolean;
  /** Undefined: the worker's default. */
  readonly keepAfterMs: number | undefined;
}

export function interactiveRequest(request: FeatureInteractive | undefined): InteractiveRequest | undefined {
  if (request === undefined) return undefined;
  const { shell = true, display = true, keepAfter } = request;
  return { shell, display, keepAfterMs: keepAfter === undefined ? undefined : (tryParseDuration(keepAfter) ?? 0) };
}

export function interactiveIssues(value: unknown, { enabled, maxKeepAfterMs }: InteractiveSettings): Issue[] {
  if (typeof value !== "object" || value === null) return [];
  if (!enabled) return [{ path: "interactive", message: "is not allowed by this worker" }];
  const keepAfter = "keepAfter" in value ? value.keepAfter : undefined;
  // None at all is no duration.
  if (!isDuration(keepAfter)) return [];
  return durationIssues("interactive.keepAfter", keepAfter, maxKeepAfterMs);
}
