// Generated from schemas/images-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesAbsolutePath, ConfigValuesSecret } from "./config-values.ts";

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
  /**
   * Whose signature every image needs from which a machine starts, wherever it comes from, also when it is in the store already. None, if it is left out.
   */
  requireSignature?: {
    /**
     * Files with public keys, as `boxcar manifest keygen` makes them. A signature of any of them will do.
     *
     * @minItems 1
     * @maxItems 100
     *
     * Items: Absolute path of an Ed25519 public key in PEM.
     */
    keys: ConfigValuesAbsolutePath[];
  };
  /**
   * Where `boxcar image pull` and `push` find registries by their names.
   *
   * @maxItems 100
   *
   * Items: A registry; it has a `url` or a `directory`.
   */
  registries?: {
    /**
     * What it is called on the command line: `NAME/IMAGE`.
     */
    name: string;
    /**
     * Of a worker, http://HOST:PORT/api/v1/registry, or of a web server over the folder of a registry.
     */
    url?: string;
    /**
     * Folder of a registry, which may be on a disk that hosts share.
     */
    directory?: ConfigValuesAbsolutePath;
    /**
     * Of the worker behind `url`, or where that is: `boxcar token create` makes it.
     */
    token?: ConfigValuesSecret;
  }[];
}
