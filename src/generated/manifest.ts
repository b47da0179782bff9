// Generated from schemas/manifest.schema.json by scripts/generate-types.ts; never edited.

/**
 * A SHA-256 digest in lower-case hexadecimal.
 */
export type ManifestSha256 = string;

/**
 * What a run was made of, and everything it has left: the artifact `public/chain-of-trust.json`, which is signed by the worker.
 */
export interface Manifest {
  /**
   * Version of this format.
   */
  version: 1;
  /**
   * The task.
   */
  taskId: string;
  /**
   * Which of its runs, from 0.
   */
  runId: number;
  /**
   * Who ran it: how the queue knows the worker.
   */
  worker: string;
  /**
   * The image its machine started from; absent if there was none.
   */
  image?: {
    /**
     * Digest of the image.
     */
    digest: string;
  };
  /**
   * The hardware of its machine, every field; absent if there was none.
   */
  machine?: {
    [k: string]: unknown;
  };
  /**
   * How its machine ran; absent if there was none.
   */
  accelerator?: "kvm" | "tcg";
  /**
   * What the task asked for.
   */
  payload: {
    /**
     * SHA-256 digest of the payload as the queue had it, as canonical JSON (RFC 8785).
     */
    sha256: string;
  };
  /**
   * When the worker began with it.
   */
  started: string;
  /**
   * When it was over.
   */
  resolved: string;
  /**
   * Everything it has left, its log included, in the order of the names; this list and its signature left out.
   *
   * Items: An artifact, or why there is none.
   */
  artifacts: {
    /**
     * Its name: a relative path.
     */
    name: string;
    /**
     * Size of what is stored.
     */
    sizeBytes?: number;
    /**
     * SHA-256 digest of what is stored.
     */
    sha256?: string;
    /**
     * Its media type.
     */
    contentType?: string;
    /**
     * How what is stored is packed; absent: not at all.
     */
    contentEncoding?: "gzip" | "zstd";
    /**
     * What comes out when it is unpacked; absent where it is not packed.
     */
    content?: {
      /**
       * Size of what comes out.
       */
      sizeBytes: number;
      /**
       * SHA-256 digest of what comes out.
       */
      sha256: string;
    };
    /**
     * Why there is no such artifact; then there is no size and no digest.
     */
    error?: "file-missing-on-worker" | "invalid-resource-on-worker" | "too-large-file-on-worker";
  }[];
}
