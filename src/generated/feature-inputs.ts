// Generated from schemas/feature-inputs.schema.json by scripts/generate-types.ts; never edited.

/**
 * Files that are in the machine before the command begins.
 *
 * @maxItems 100
 *
 * Items: One file: either `url` with its digest, or `content`.
 */
export type FeatureInputs = {
  /**
   * Where the worker fetches it, among what its configuration allows.
   */
  url?: string;
  /**
   * SHA-256 digest of what is at the URL, in lower-case hexadecimal.
   */
  sha256?: string;
  /**
   * The file itself, as text.
   */
  content?: string;
  /**
   * Where it is put in the guest; folders above it are made. Of an archive to unpack, the folder.
   */
  path: string;
  /**
   * Permissions of the file; "0644" if it is left out.
   */
  mode?: string;
  /**
   * Owner; the `user` of the task if it is left out.
   */
  user?: string;
  /**
   * Whether it is an archive that the guest's tar unpacks into the folder `path`.
   */
  extract?: boolean;
}[];

/**
 * What the worker fetches for its tasks.
 */
export interface FeatureInputsConfig {
  /**
   * What URLs may begin with: scheme, host and port, and the folders of a path. `https://` alone allows every host of the internet; one with a private address must be named.
   *
   * @maxItems 1000
   *
   * Items: What URLs begin with.
   */
  allow?: string[];
  /**
   * How much the files that are fetched for one task may have together, in MiB.
   */
  maxMiB?: number;
  /**
   * How much of what was fetched is kept for later tasks, in MiB; what was used least recently goes first.
   */
  cacheMiB?: number;
}
