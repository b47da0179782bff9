/** What is wrong with a machine that was saved, or with the way it was named. */
import { type Blame, WorkerError } from "../base/errors.ts";

export type SnapshotErrorCode =
  | "machine-unsavable"
  | "snapshot-ambiguous"
  | "snapshot-archive-refused"
  | "snapshot-damaged"
  | "snapshot-exists"
  | "snapshot-in-use"
  | "snapshot-not-found"
  | "snapshot-not-portable"
  | "snapshot-other-host"
  | "snapshot-reference-invalid"
  | "snapshot-too-deep"
  | "snapshots-full";

export class SnapshotError extends WorkerError {
  constructor(
    code: SnapshotErrorCode,
    message: string,
    options: { blame: Blame; cause?: unknown; details?: Readonly<Record<string, unknown>> },
  ) {
    super(message, { code, ...options });
  }
}
