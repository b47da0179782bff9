/** Durations in documents: what a schema cannot check of them. */
import type { Issue } from "../base/errors.ts";
import { formatDuration, tryParseDuration } from "../base/units.ts";

/** 24 days: timers cannot be set for longer than 2³¹ ms, and would fire at once. */
export const MAX_DURATION_MS = 24 * 86_400_000;

/** What is wrong with a number of seconds or a text that shall be a duration of at most `maxMs`. */
export function durationIssues(path: string, value: number | string, maxMs: number = MAX_DURATION_MS): Issue[] {
  const ms = tryParseDuration(value);
  if (ms === undefined) {
    const message = 'must be a number of seconds or a text such as "10 minutes" or "1 day 2 hours"';
    return [{ path, message }];
  }
  if (ms <= maxMs) return [];
  const message = `${formatDuration(ms)} is longer than the ${formatDuration(maxMs)} this worker allows`;
  return [{ path, message }];
}
