/** What a failure of the database means to who asked the queue. Pure. */
import { DatabaseError } from "pg";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import { QueueError } from "../errors.ts";

/** Somebody else was at it at the same time; the same again may succeed at once. */
const TRY_AGAIN = new Set([
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  "55P03", // lock_not_available
]);

export function isConflict(error: unknown): boolean {
  return error instanceof DatabaseError && error.code !== undefined && TRY_AGAIN.has(error.code);
}

/** Whether the connection can be used for something else after that. */
export function isConnectionSound(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return error instanceof WorkerError;
  // Class 57 are shutdowns, except for a statement that was canceled; 25P03 is a transaction that idled too long.
  return !(error.severity === "FATAL" || error.code === "25P03" || /^57P/.test(error.code ?? ""));
}

/** Whether nobody listens where the database should be, which an attempt to start it may change. */
export function isUnreachable(error: unknown): boolean {
  // 57P03: it starts up or shuts down at the moment.
  return ["ECONNREFUSED", "ENOENT", "ECONNRESET", "57P03", "EPIPE"].includes(codeOf(error) ?? "");
}

/** Everything that is not an error of ours becomes one of the queue's, to be tried again later. */
export function toQueueError(error: unknown, description: string): Error {
  if (error instanceof WorkerError) return error;
  if (error instanceof DatabaseError && isConnectionSound(error)) {
    const message = `the queue (${description}) refused: ${error.message}`;
    return new QueueError("queue-refused", message, { blame: "upstream", cause: error });
  }
  const message = `the queue (${description}) cannot be reached: ${messageOf(error)}; see that its server runs`;
  return new QueueError("queue-unreachable", message, { blame: "upstream", cause: error });
}
