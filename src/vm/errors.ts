import { type Blame, WorkerError } from "../base/errors.ts";

/** QEMU would not start, or a machine asks for what this host or this version cannot give. */
export class VirtualMachineError extends WorkerError {
  constructor(code: string, message: string, options: { blame: Blame; cause?: unknown }) {
    super(message, { code, ...options });
  }
}
