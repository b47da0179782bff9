/** The port to artifacts of tasks, for who starts from one: where it is, for an asker who may have it. */

export type QueueArtifactReference =
  /** Run: the latest, if it is left out. */
  | { readonly taskId: string; readonly runId?: number; readonly artifact: string }
  /** Of the task that the queue's index has there. */
  | { readonly namespace: string; readonly artifact: string };

export interface QueueArtifact {
  /** The same for the same artifact, whoever asks; of another, another one. */
  readonly id: string;
  /** What has this id never changes. */
  readonly isFinal: boolean;
  /** Of its content, in hexadecimal, as far as they are known. */
  readonly digests: { readonly sha256?: string; readonly sha512?: string };
  readonly url: string;
  /** Who has chosen the address: the queue, or a task, which may be hostile. */
  readonly chosenBy: "queue" | "task";
}

export interface QueueArtifacts {
  /**
   * @throws {QueueError} blame task: there is none, or the asker may not have it; blame upstream: it could not be asked.
   */
  locate(reference: QueueArtifactReference, signal: AbortSignal): Promise<QueueArtifact>;
}
