/** A checkpoint that a run has made, as its result and its report name it. */
export interface MadeCheckpoint {
  readonly name: string;
  /** Id of the snapshot on the host. */
  readonly snapshot: string;
  /** On the disk. */
  readonly bytes: number;
  /** How long the machine stood still. */
  readonly stillMs: number;
  /** ISO 8601. */
  readonly expires: string;
}
