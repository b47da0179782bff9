import { WorkerError } from "../base/errors.ts";

/** What a client of a display must not say; its connection has to end. */
export class RfbProtocolError extends WorkerError {
  constructor(message: string) {
    super(message, { code: "rfb-protocol-error", blame: "task" });
  }
}
