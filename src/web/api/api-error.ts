/** What goes wrong in the HTTP API: `{code, message, details?}` with a status. */
import { type Blame, InvalidInputError, messageOf, WorkerError } from "../../base/errors.ts";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: unknown;
  /** Of the answer, such as `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    details?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

/** Errors of the parts below that are not simply mistakes of the request. */
const STATUS: Readonly<Record<string, number>> = {
  "task-not-found": 404,
  "task-exists": 409,
  "task-deadline-over": 409,
  "log-elsewhere": 404,
  "no-display": 404,
  "no-shell": 409,
  "not-interactive": 409,
  "machine-gone": 410,
  "too-many-viewers": 429,
  "too-many-tickets": 429,
  "image-not-found": 404,
  "image-in-use": 409,
  "machine-unsavable": 409,
  "snapshot-not-found": 404,
  "snapshot-ambiguous": 409,
  "snapshot-exists": 409,
  "snapshot-in-use": 409,
  "snapshot-other-host": 409,
  "snapshots-full": 409,
  "vm-name-taken": 409,
  "vm-not-found": 404,
  "vm-ambiguous": 409,
  "vm-busy": 409,
  "vm-limits": 409,
  "vm-state": 409,
  "vm-lost": 503,
};

const STATUS_BY_BLAME: Readonly<Partial<Record<Blame, number>>> = { task: 400, image: 422, upstream: 503 };

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof InvalidInputError) return new ApiError(400, error.code, error.message, error.issues);
  if (error instanceof WorkerError) {
    const status = STATUS[error.code] ?? STATUS_BY_BLAME[error.blame] ?? 500;
    return new ApiError(status, error.code, status < 500 ? error.message : withoutPaths(error.message));
  }
  return refusedByExpress(error) ?? new ApiError(500, "internal-error", "the worker failed at this; its log says how");
}

/** Where things are on a host is nobody's business but its administrators', who have the worker's log. */
export function withoutPaths(text: string): string {
  return text.replaceAll(/(?<![\w:/.])(?:\/[\w.@+~-]+){2,}\/?/g, "…");
}

/** A body that is no JSON, or too large; an address that cannot be decoded. */
function refusedByExpress(error: unknown): ApiError | undefined {
  if (typeof error !== "object" || error === null || !("status" in error)) return undefined;
  const { status } = error;
  if (typeof status !== "number" || status < 400 || status > 499) return undefined;
  return new ApiError(status, status === 413 ? "too-large" : "bad-request", withoutPaths(messageOf(error)));
}
