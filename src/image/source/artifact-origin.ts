/**
 * The port to artifacts of a queue, as images need it; drivers of queues and those who know other hosts implement it.
 *
 * Who is asked decides whether the asker may have the artifact: it is asked each time, also where the image is in the
 * store already.
 */
import type { Digests } from "./digests.ts";
import type { ArtifactReference } from "./spec.ts";

export interface ArtifactOrigin {
  /**
   * @throws {WorkerError} blame task: there is none, or the asker may not have it; blame upstream: it is not known now.
   */
  locate(reference: ArtifactReference, signal: AbortSignal): Promise<LocatedArtifact>;
}

export type LocatedArtifact = LocatedFile | LocatedUrl;

interface ArtifactFacts {
  /** The same for the same artifact, whoever asks; of another, another one. */
  readonly id: string;
  /** What has this id never changes. */
  readonly isFinal: boolean;
  /** Of the archive, as far as they are known. */
  readonly digests: Digests;
}

export interface LocatedFile extends ArtifactFacts {
  /** Absolute path on this host. */
  readonly file: string;
  /** How the file is packed, as in HTTP. */
  readonly contentEncoding?: string;
}

export interface LocatedUrl extends ArtifactFacts {
  readonly url: string;
  /** Asked before each request to `url` itself, not for what it leads to. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  /** Who has chosen the address: the queue, or a task, which is no more to be trusted than one that names a URL. */
  readonly chosenBy: "queue" | "task";
}
