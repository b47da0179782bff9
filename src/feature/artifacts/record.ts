/** What is known of an artifact of a run. */
import { extname } from "node:path";
import { lookup } from "mime-types";
import type { Digest } from "../../base/digest-stream.ts";
import type { ContentEncoding } from "./pack.ts";

/** One stored file, or why there is none. */
export type ArtifactRecord = StoredArtifact | MissingArtifact;

/** The digest is that of the file as it is stored. */
export interface StoredArtifact extends Digest {
  readonly name: string;
  readonly contentType?: string;
  /** How the file is packed, as in HTTP; absent: not at all. */
  readonly contentEncoding?: ContentEncoding;
  /** What comes out when it is unpacked; absent where it is not packed. */
  readonly content?: Digest;
  /** How long it is kept after the end of the run; absent: as long as the task. */
  readonly expiresAfterMs?: number;
  /** Absolute path, where it is not in the store of the run under its name. */
  readonly file?: string;
}

export interface MissingArtifact {
  readonly name: string;
  readonly error: ArtifactFault;
  readonly message: string;
  readonly expiresAfterMs?: number;
}

/** As Taskcluster calls them. */
export type ArtifactFault = "file-missing-on-worker" | "invalid-resource-on-worker" | "too-large-file-on-worker";

export function guessContentType(name: string): string {
  // A name without a dot would be taken for an extension.
  return lookup(extname(name)) || "application/octet-stream";
}
