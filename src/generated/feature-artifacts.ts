// Generated from schemas/feature-artifacts.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration, ConfigValuesSecret } from "./config-values.ts";

/**
 * Files and folders to keep from the machine when the command has ended, also when it failed.
 *
 * @maxItems 1000
 *
 * Items: One artifact.
 */
export type FeatureArtifacts = {
  /**
   * Name to keep it under: a relative path of plain names.
   */
  name: FeatureArtifactsName;
  /**
   * Where it is in the guest; a relative path starts at the command's directory. With the wildcards `*`, `?`, `[a-z]` in names, and `**` for any number of folders, it means all that match; each is kept under the name of the artifact, followed by its path below the folder that is named before the first wildcard. A wildcard in brackets, as in `[*]`, stands for itself.
   */
  path: string;
  /**
   * Whether it is one file or a folder with everything in it.
   */
  type?: "file" | "directory";
  /**
   * Whether the task may succeed without it.
   */
  optional?: boolean;
  /**
   * Media type of a file; guessed from its name if it is left out, and `application/octet-stream` where that says nothing.
   */
  contentType?: string;
  /**
   * How the bytes are packed where they are kept, as the content encoding of HTTP; the name stays. `auto`: gzip for media types that are text, or alike.
   */
  compression?: "none" | "gzip" | "zstd" | "auto";
  /**
   * How long it is kept after the end of the run: seconds, or a text such as "30 days"; never longer than the task. As long as the task if it is left out.
   */
  expires?: ConfigValuesDuration;
}[];

/**
 * A relative path of plain names.
 */
export type FeatureArtifactsName = string;
/**
 * How artifacts are handed to the queue, and vouched for.
 */
export interface FeatureArtifactsConfig {
  /**
   * How they are handed to the queue when the machine of the run is gone.
   */
  publish?: {
    /**
     * Most at once, of one run.
     */
    parallel?: number;
    /**
     * How long it may take for all of one run together, every new attempt after a failure included; the run is an exception then. Seconds, or a text.
     */
    timeout?: ConfigValuesDuration;
  };
  /**
   * The signed list of everything a run has left, `public/chain-of-trust.json`.
   */
  manifest?: {
    /**
     * Private Ed25519 key as PEM, as `boxcar manifest keygen` makes it. Without one there is no manifest.
     */
    key?: ConfigValuesSecret;
  };
}
