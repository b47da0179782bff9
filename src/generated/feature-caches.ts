// Generated from schemas/feature-caches.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";

/**
 * Named disks of the worker that outlive the machine: what a task leaves in one, the next finds there.
 *
 * @maxItems 8
 *
 * Items: One cache.
 */
export type FeatureCaches = {
  /**
   * Tasks that name the same cache share it.
   */
  name: string;
  /**
   * Folder in the guest where it is found.
   */
  path: string;
  /**
   * `exclusive`: this task alone uses it, others wait, and what it writes is kept. `shared`: any number of tasks at once read what was kept last, and cannot write.
   */
  mode?: "exclusive" | "shared";
  /**
   * Room in it, in MiB, if it is made for this task; one that is there keeps its size.
   */
  sizeMiB?: number;
  /**
   * Whether what an exclusive task wrote is kept only if the task completed, or also if it failed.
   */
  save?: "on-success" | "always";
  /**
   * An archive that is unpacked into the cache if it is made for this task.
   */
  preload?: {
    /**
     * Where the worker fetches it, among what features.inputs.allow of its configuration allows: a tar archive, plain or packed with gzip or zstd.
     */
    url: string;
    /**
     * SHA-256 digest of the archive, in lower-case hexadecimal.
     */
    sha256: string;
  };
}[];

/**
 * Caches of tasks.
 */
export interface FeatureCachesConfig {
  /**
   * Most room a task may ask for in one cache, in MiB; 0: no task gets any.
   */
  maxMiB?: number;
  /**
   * How long a task waits for another one that uses the same cache exclusively: seconds, or a text.
   */
  wait?: ConfigValuesDuration;
}
