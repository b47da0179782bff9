/** What is known of an artifact of a run. */
import { extname } from "node:path";
import { lookup } from "mime-types";

/** One stored file, or why there is none. */
export type ArtifactRecord = StoredArtifact | MissingArtifact;

export interface StoredArtifact {
  readonly name: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly contentType?: string;
}

export interface MissingArtifact {
  readonly name: string;
  readonly error: ArtifactFault;
  readonly message: string;
}

/** As Taskcluster calls them. */
export type ArtifactFault = "file-missing-on-worker" | "invalid-resource-on-worker" | "too-large-file-on-worker";

export function guessContentType(name: string): string {
  // A name without a dot would be taken for an extension.
  return lookup(extname(name)) || "application/octet-stream";
}
