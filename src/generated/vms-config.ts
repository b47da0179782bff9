// Generated from schemas/vms-config.schema.json by scripts/generate-types.ts; never edited.

/**
 * What the machines of `boxcar vm` may take of this host, all together. Machines of tasks are not counted.
 */
export interface VmsConfig {
  /**
   * How many there may be, whether they run or not. No limit if it is left out.
   */
  max?: number;
  /**
   * Most memory of those that run, as if each used all it may, in MiB. No limit if it is left out.
   */
  maxMemory?: number;
  /**
   * What the files of all of them may take on the disk before another one can be made. Those that are there may grow beyond it. No limit if it is left out.
   */
  maxDiskGiB?: number;
}
