// Generated from schemas/machine-options.schema.json by scripts/generate-types.ts; never edited.

/**
 * Limits a worker sets on the machines of its tasks.
 */
export interface MachineOptions {
  /**
   * Most memory a machine may have, in MiB; also what it gets if it names none.
   */
  maxMemory: number;
  /**
   * Most virtual CPUs a machine may have: threads × cores × sockets. As many as the host has if it is left out.
   */
  maxCPUs?: number;
  /**
   * Threads per core of a machine that does not name them, if that many fit into maxCPUs.
   */
  defaultThreads?: number;
}
