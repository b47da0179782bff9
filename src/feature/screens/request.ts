/** What a task says of pictures and the video of its screen, parsed; what its schema cannot say of them. Pure. */
import type { Issue } from "../../base/errors.ts";
import { formatDuration, tryParseDuration } from "../../base/units.ts";
import type { TaskPayload } from "../../generated/task-payload.ts";
import { durationIssues } from "../../schema/duration.ts";
import { isDuration } from "../is-duration.ts";

export interface ScreensRequest {
  readonly screenshots: {
    /** Undefined: none at intervals. */
    readonly everyMs: number | undefined;
    readonly onFailure: boolean;
    readonly format: "png" | "jpeg";
  };
  /** Undefined: none. */
  readonly video: { readonly everyMs: number } | undefined;
}

/** Faster, and the machine would be busy with its pictures. */
const MIN_INTERVAL_MS = 1_000;

export function screensRequest({ screenshots = {}, video = false }: TaskPayload): ScreensRequest {
  const { every, onFailure = true, format = "png" } = screenshots;
  const everyMs = every === undefined ? undefined : tryParseDuration(every);
  const videoEvery = typeof video === "object" && video.every !== undefined ? tryParseDuration(video.every) : everyMs;
  return {
    screenshots: { everyMs, onFailure, format },
    video: video === false ? undefined : { everyMs: videoEvery ?? MIN_INTERVAL_MS },
  };
}

export function screensIssues(screenshots: unknown, video: unknown): Issue[] {
  return [...intervalIssues("screenshots", screenshots), ...intervalIssues("video", video)];
}

function intervalIssues(key: string, data: unknown): Issue[] {
  const every = typeof data === "object" && data !== null && "every" in data ? data.every : undefined;
  if (!isDuration(every)) return [];
  const path = `${key}.every`;
  const ms = tryParseDuration(every);
  if (ms === undefined || ms >= MIN_INTERVAL_MS) return durationIssues(path, every);
  return [{ path, message: `${formatDuration(ms)} is shorter than one second, the least there is` }];
}
