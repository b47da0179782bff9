// Generated from schemas/images-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesAbsolutePath } from "./config-values.ts";

/**
 * The image store, and which images tasks may name.
 */
export interface ImagesConfig {
  /**
   * Directory of the image store; `images` in stateDir if it is left out. Environment: BOXCAR_IMAGES_DIR.
   */
  directory?: ConfigValuesAbsolutePath;
  /**
   * Image of a task that names none.
   */
  default?: string;
  /**
   * Largest apparent size of one file of an image, checked while it is unpacked, and of a virtual disk.
   */
  maxSizeGiB?: number;
  /**
   * Whether tasks may name an archive on the worker's disk by its path.
   */
  allowPaths?: boolean;
  /**
   * Whether tasks may name an archive by its URL: `true` for every host of the internet, or a list of what URLs may begin with: scheme, host and port, and the folders of a path. A host with a private address must be in the list.
   *
   * @maxItems 1000
   */
  allowUrls?: boolean | string[];
  /**
   * Whether tasks may name an archive that is an artifact of a task of the same queue.
   */
  allowArtifacts?: boolean;
}
