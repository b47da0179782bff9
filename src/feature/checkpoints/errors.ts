import { type ExceptionReason, WorkerError } from "../../base/errors.ts";

export type CheckpointErrorCode = "checkpoint-not-found" | "checkpoint-unusable" | "checkpoint-forbidden";

/** A task cannot start from the checkpoint it names; the host is not at fault. */
export class CheckpointError extends WorkerError {
  constructor(
    code: CheckpointErrorCode,
    message: string,
    options: { cause?: unknown; reason?: ExceptionReason | undefined } = {},
  ) {
    super(message, { code, blame: code === "checkpoint-forbidden" ? "task" : "upstream", ...options });
  }
}
