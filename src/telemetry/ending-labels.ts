/** How runs end, in few words: labels of metrics have no values that others make up. Pure. */
import type { ExceptionReason } from "../base/errors.ts";
import type { FailureReason } from "../feature/outcome.ts";
import type { RunEnding } from "../worker/run-state.ts";

const REASONS: Readonly<Record<FailureReason | ExceptionReason, true>> = {
  "command-failed": true,
  "max-run-time-exceeded": true,
  stalled: true,
  "file-missing-on-worker": true,
  "invalid-resource-on-worker": true,
  "guest-shutdown": true,
  "guest-reset": true,
  "guest-panic": true,
  "malformed-payload": true,
  "resource-unavailable": true,
  "internal-error": true,
  canceled: true,
  "deadline-exceeded": true,
  "worker-shutdown": true,
  "intermittent-task": true,
  "claim-expired": true,
  superseded: true,
};

export type ResolutionLabel = "completed" | "failed" | "exception" | "lost";

/** `lost`: the run was not this worker's any more when it ended. */
export function resolutionOf(ending: RunEnding): ResolutionLabel {
  return "lost" in ending ? "lost" : ending.resolution.kind;
}

/** `none` where it completed. */
export function reasonOf(ending: RunEnding): string {
  if ("lost" in ending) return ending.lost.reason;
  const { resolution } = ending;
  if (resolution.kind === "completed") return "none";
  const { reason = "other" } = resolution;
  return Object.hasOwn(REASONS, reason) ? reason : "other";
}
