/** Why a task does not get its inputs. */
import { WorkerError } from "../../base/errors.ts";

export type InputErrorCode = "input-digest-mismatch" | "input-not-allowed" | "input-not-extracted" | "input-too-large";

/** All of them are for who wrote the task to act on. */
export class InputError extends WorkerError {
  declare readonly code: InputErrorCode;

  constructor(code: InputErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message, { code, blame: "task", details });
  }
}
