import { WorkerError } from "../base/errors.ts";

/** QEMU refused one command; the connection stays usable. */
export class QmpCommandError extends WorkerError {
  readonly command: string;
  /** For example `GenericError`, `DeviceNotFound`. */
  readonly errorClass: string;

  constructor(command: string, errorClass: string, description: string) {
    super(`QEMU refused ${command}: ${description}`, { code: "qmp-command-failed", blame: "host" });
    this.command = command;
    this.errorClass = errorClass;
  }
}

/** No reply will come, and whether a pending command ran is unknown. */
export class QmpClosedError extends WorkerError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: "qmp-closed", blame: "host", cause });
  }
}

/** A reply took longer than allowed; QEMU hangs. */
export class QmpTimeoutError extends WorkerError {
  constructor(command: string, timeoutMs: number) {
    super(`QEMU did not answer ${command} within ${timeoutMs} ms`, { code: "qmp-timed-out", blame: "host" });
  }
}

/** The peer does not speak QMP. */
export class QmpProtocolError extends WorkerError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: "qmp-protocol", blame: "host", cause });
  }
}
