/** What goes wrong between a worker, or a submitter, and its queue. */
import { type Blame, WorkerError } from "../base/errors.ts";

export class QueueError extends WorkerError {
  constructor(
    code: string,
    message: string,
    options: { blame: Blame; cause?: unknown; details?: Readonly<Record<string, unknown>> },
  ) {
    super(message, { code, ...options });
  }
}
