// Generated from schemas/image-statement.schema.json by scripts/generate-types.ts; never edited.

/**
 * What a signature of an image is over. The digest is that of the archive, so it stands for all that is in it, its parent included.
 */
export interface ImageStatement {
  /**
   * SHA-256 digest of the archive.
   */
  digest: string;
  /**
   * Name the image was built under.
   */
  name?: string;
  /**
   * When the image was built, as its image.json says.
   */
  created?: string;
}
