/** What is wrong with the `maxRunTime` of a task. Pure. */
import type { Issue } from "../../base/errors.ts";
import { formatDuration } from "../../base/units.ts";
import type { FeaturesSettings } from "../../config/features/features.ts";
import { durationIssues } from "../../schema/duration.ts";
import { isDuration } from "../is-duration.ts";

type PerTask = FeaturesSettings["maxRunTime"]["perTask"];

/** @param value Of the payload; undefined if it has none. */
export function maxRunTimeIssues(value: unknown, limitMs: number, perTask: PerTask): Issue[] {
  const path = "maxRunTime";
  if (value === undefined) {
    if (perTask !== "require") return [];
    return [{ path, message: `must be there on this worker; a task may ask for ${formatDuration(limitMs)} at most` }];
  }
  if (perTask === "forbid") {
    return [{ path, message: `is not for tasks of this worker, which may all run for ${formatDuration(limitMs)}` }];
  }
  return isDuration(value) ? durationIssues(path, value, limitMs) : [];
}
