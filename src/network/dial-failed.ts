/** A connection to a port of a guest that there is not. */
import { WorkerError } from "../base/errors.ts";

/** @param why The end of a sentence. */
export function dialFailed(port: number, why: string, cause?: unknown): WorkerError {
  const message = `port ${port} of the guest cannot be connected to: ${why}`;
  return new WorkerError(message, { code: "network-dial-failed", blame: "task", cause });
}
