/** What is wrong with the `stallTimeout` of a task. Pure. */
import type { Issue } from "../../base/errors.ts";
import { formatDuration, tryParseDuration } from "../../base/units.ts";
import type { StallTimeoutSettings } from "../../config/features/stall-timeout.ts";
import { durationIssues } from "../../schema/duration.ts";
import { isDuration } from "../is-duration.ts";

/** Less, and a machine that is merely slow would count as stalled. */
const MIN_TIMEOUT_MS = 1_000;

export function stallTimeoutIssues(value: unknown, { maxMs }: StallTimeoutSettings, maxRunTimeMs: number): Issue[] {
  if (!isDuration(value)) return [];
  const path = "stallTimeout";
  const ms = tryParseDuration(value);
  if (ms === undefined || ms >= MIN_TIMEOUT_MS) return durationIssues(path, value, maxMs ?? maxRunTimeMs);
  return [{ path, message: `${formatDuration(ms)} is shorter than one second, the least there is` }];
}
