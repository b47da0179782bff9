// Generated from schemas/image-source.schema.json by scripts/generate-types.ts; never edited.

/**
 * A name, a path, a URL, an archive with its digests, or an artifact of a task.
 */
export type ImageSource =
  | string
  | {
      /**
       * Where the archive is.
       */
      url?: string;
      /**
       * Task of the same queue that has left the archive as an artifact.
       */
      taskId?: string;
      /**
       * Run of that task; the latest if it is left out.
       */
      runId?: number;
      /**
       * Path in the index of the queue; the archive is an artifact of the task that is found there. Only Taskcluster has an index.
       */
      namespace?: string;
      /**
       * Name of the artifact.
       */
      artifact?: string;
      /**
       * SHA-256 digest of the archive, in lower-case hexadecimal. An image with this digest is not downloaded again.
       */
      sha256?: string;
      /**
       * SHA-512 digest of the archive, in lower-case hexadecimal.
       */
      sha512?: string;
      /**
       * SHA-1 digest of the archive, in lower-case hexadecimal. It shows damage, not forgery.
       */
      sha1?: string;
      /**
       * MD5 digest of the archive, in lower-case hexadecimal. It shows damage, not forgery.
       */
      md5?: string;
    };
