// Generated from schemas/image.schema.json by scripts/generate-types.ts; never edited.

/**
 * image.json of an image: where it comes from. Nothing in it changes how the machine runs.
 */
export interface ImageProvenance {
  /**
   * Name the image was built under.
   */
  name: string;
  /**
   * When it was built, RFC 3339. A reproducible build takes it from its inputs.
   */
  created?: string;
  /**
   * Program that built it, with its version.
   */
  builder?: string;
  /**
   * Recipe it was built by.
   */
  recipe?: string;
  /**
   * Everything the build read: name → SHA-256 digest.
   */
  inputs?: {
    /**
     * SHA-256 digest of the input.
     */
    [k: string]: string;
  };
  /**
   * Packages installed in the image.
   *
   * @maxItems 100000
   *
   * Items: One package.
   */
  packages?: {
    /**
     * Name of the package.
     */
    name: string;
    /**
     * Version of the package.
     */
    version: string;
  }[];
  /**
   * Version or digest of the guest agent in the image.
   */
  agent?: string;
}
