/** Why somebody is not let in. */
import { WorkerError } from "../base/errors.ts";

export type AccessErrorCode =
  | "bad-token"
  | "too-many-logins"
  | "too-many-requests"
  | "oidc-refused"
  | "oidc-no-role"
  | "oidc-unreachable"
  | "bad-return";

export class AccessError extends WorkerError {
  declare readonly code: AccessErrorCode;
  /** When it may be tried again; undefined: that would change nothing. */
  readonly retryAfterMs: number | undefined;

  constructor(code: AccessErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { code, blame: code === "oidc-unreachable" ? "upstream" : "task", cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}
