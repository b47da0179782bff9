// Generated from schemas/registry-tag.schema.json by scripts/generate-types.ts; never edited.

/**
 * `sha256:` and 64 hexadecimal digits.
 */
export type RegistryTagDigest = string;

/**
 * What a name in a registry of images stands for: `tags/NAME.json`.
 */
export interface RegistryTag {
  /**
   * The name.
   */
  name: string;
  /**
   * SHA-256 digest of the archive it stands for.
   */
  digest: string;
  /**
   * Length of the archive.
   */
  bytes: number;
  /**
   * What the image lies on, its own parent first. To fetch them early; what counts is what the archives say.
   *
   * @maxItems 16
   *
   * Items: SHA-256 digest of the archive of a parent.
   */
  parents: string[];
  /**
   * When the name was given to this image.
   */
  created: string;
}
