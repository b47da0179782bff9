/** The port to where the bytes of artifacts are on this host; whoever opens a queue brings it. */

export interface ArtifactKey {
  readonly taskId: string;
  readonly runId: number;
  /** Relative path of plain names. */
  readonly name: string;
}

export interface ArtifactFiles {
  /** Tells this store from those of other hosts; stays the same for ever. */
  readonly id: string;
  /**
   * Takes the file over, by moving it where that is possible. To say it again is allowed, also when the file has been
   * moved already; what was there under that name is replaced.
   */
  put(key: ArtifactKey, file: string, signal?: AbortSignal): Promise<void>;
  /** Where it is; absolute. */
  pathOf(key: ArtifactKey): string;
  /** One that is not there is none. */
  remove(key: ArtifactKey): Promise<void>;
  /** Everything of a task that is forgotten. */
  removeTask(taskId: string): Promise<void>;
}
