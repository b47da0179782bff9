/** What a task wants to be done when it fails, parsed; what its schema cannot say of that. Pure. */
import type { Issue } from "../../base/errors.ts";
import { tryParseDuration } from "../../base/units.ts";
import type { OnFailureSettings } from "../../config/features/on-failure.ts";
import type { FeatureOnFailure } from "../../generated/feature-on-failure.ts";
import { durationIssues } from "../../schema/duration.ts";
import { isDuration } from "../is-duration.ts";

export interface OnFailureRequest {
  /** How long its machine is kept. */
  readonly keepMs: number;
}

export function onFailureRequest(request: FeatureOnFailure | undefined): OnFailureRequest | undefined {
  return request === undefined ? undefined : { keepMs: tryParseDuration(request.keep) ?? 0 };
}

export function onFailureIssues(
  value: unknown,
  { enabled, maxKeepMs }: Pick<OnFailureSettings, "enabled" | "maxKeepMs">,
): Issue[] {
  if (typeof value !== "object" || value === null) return [];
  if (!enabled) return [{ path: "onFailure", message: "is not allowed by this worker" }];
  const keep = "keep" in value ? value.keep : undefined;
  return isDuration(keep) ? durationIssues("onFailure.keep", keep, maxKeepMs) : [];
}
