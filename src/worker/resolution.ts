/** What the queue is told of the end of a run. Pure. */
import type { ExceptionReason } from "../base/errors.ts";
import type { FailureReason, Outcome } from "../feature/outcome.ts";
import type { Resolution } from "../queue/driver.ts";

export function resolutionOf({ state, reason, message, exitCode }: Outcome): Resolution {
  const said = message === undefined ? {} : { message };
  switch (state) {
    case "completed":
      return { kind: "completed" };
    case "failed":
      return {
        kind: "failed",
        ...(reason === undefined ? {} : { reason }),
        ...said,
        ...(exitCode === undefined ? {} : { exitCode }),
      };
    case "exception":
      return { kind: "exception", reason: isException(reason) ? reason : "internal-error", ...said };
  }
}

const EXCEPTIONS: ReadonlySet<string> = new Set<ExceptionReason>([
  "malformed-payload",
  "resource-unavailable",
  "internal-error",
  "canceled",
  "deadline-exceeded",
  "worker-shutdown",
  "intermittent-task",
  "claim-expired",
  "superseded",
]);

function isException(reason: FailureReason | ExceptionReason | undefined): reason is ExceptionReason {
  return reason !== undefined && EXCEPTIONS.has(reason);
}
