/** What is said to who asks for something that a machine cannot do now, or that there is not. */
import { type Blame, WorkerError } from "../base/errors.ts";

export type VmErrorCode =
  | "vm-not-found"
  | "vm-ambiguous"
  | "vm-name-taken"
  | "vm-name-invalid"
  | "vm-busy"
  | "vm-state"
  | "vm-limits"
  | "vm-invalid"
  | "vm-backend-unknown"
  | "vm-start-failed"
  | "vm-silent"
  | "vm-timeout"
  | "vm-record-broken"
  | "vm-lost";

export class VmError extends WorkerError {
  constructor(code: VmErrorCode, message: string, options: { blame?: Blame; cause?: unknown } = {}) {
    super(message, { code, blame: options.blame ?? "task", cause: options.cause });
  }
}
