// Generated from schemas/image.schema.json by scripts/generate-types.ts; never edited.

/**
 * image.json of an image: where it comes from, and the image it is the difference to.
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
   * Image below this one, which holds only the difference to it: layer.qcow2 and no disk.img.
   */
  parent?: {
    /**
     * Digest of the parent's archive.
     */
    digest: string;
    /**
     * Name the parent had where this image was built. For people: the digest is what counts.
     */
    name?: string;
  };
  /**
   * What was done to make this image, the oldest first; what was done for its parent is told there.
   *
   * @maxItems 1000
   *
   * Items: One step.
   */
  history?: {
    /**
     * When it was done, RFC 3339.
     */
    created?: string;
    /**
     * Program that did it, with its version.
     */
    by?: string;
    /**
     * What was done, for people.
     */
    what: string;
  }[];
  /**
   * What the image was made from.
   *
   * @maxItems 10000
   *
   * Items: One source.
   */
  sources?: {
    /**
     * What it is.
     */
    kind: string;
    /**
     * What it is called: a release, an image, a file.
     */
    name?: string;
    /**
     * Where it was fetched, without what is secret of the address.
     */
    url?: string;
    /**
     * SHA-256 digest of its bytes; of an image, that of its archive.
     */
    sha256?: string;
  }[];
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
