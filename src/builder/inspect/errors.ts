import { type Blame, WorkerError } from "../../base/errors.ts";

export type InspectionErrorCode =
  /** The inspecting machine said what it must not. */
  | "inspection-protocol-error"
  /** There is more on the disk than is looked at. */
  | "inspection-too-large"
  | "inspection-failed"
  | "inspection-timed-out";

/** What is on a disk could not be found out. */
export class InspectionError extends WorkerError {
  constructor(code: InspectionErrorCode, message: string, { blame = "image" }: { blame?: Blame } = {}) {
    super(message, { code, blame });
  }
}
