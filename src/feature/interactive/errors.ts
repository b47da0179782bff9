import { WorkerError } from "../../base/errors.ts";

export type LiveMachineErrorCode = "no-display" | "no-shell" | "not-interactive" | "too-many-viewers" | "machine-gone";

/** What a machine that runs cannot do for who asks. */
export class LiveMachineError extends WorkerError {
  constructor(code: LiveMachineErrorCode, message: string, cause?: unknown) {
    super(message, { code, blame: "task", cause });
  }
}
