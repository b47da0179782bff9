import { type Blame, WorkerError } from "../../base/errors.ts";

export type BuildErrorCode =
  | "build-command-failed"
  | "build-machine-failed"
  | "build-timed-out"
  | "cannot-listen"
  | "disk-too-small";

/** Something in the machine in which an image is made did not end well. */
export class BuildMachineError extends WorkerError {
  constructor(code: BuildErrorCode, message: string, options: { blame?: Blame; cause?: unknown } = {}) {
    super(message, { code, blame: "task", ...options });
  }
}
