/** The machine of a run that failed, as it is kept on its host; as the result and the report of the run have it. */
export interface KeptMachine {
  /** Id of the snapshot. */
  readonly snapshot: string;
  /** How the task had failed at that instant. */
  readonly reason: string;
  /** ISO 8601. */
  readonly expires: string;
  /** On the disk. */
  readonly bytes: number;
}
