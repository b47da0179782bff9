import { WorkerError } from "../../base/errors.ts";

/** A network namespace could not be made, or has ended. */
export function namespaceError(message: string, cause?: unknown): WorkerError {
  return new WorkerError(message, { code: "network-namespace-failed", blame: "host", cause });
}
