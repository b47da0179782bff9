/** Section `vms` of the configuration: what machines that stay may take of this host. */
import type { VmsConfig } from "../generated/vms-config.ts";

/** What is undefined has no limit. */
export interface VmsSettings {
  readonly max?: number;
  /** MiB. */
  readonly maxMemory?: number;
  readonly maxDiskBytes?: number;
}

export function completeVms({ max, maxMemory, maxDiskGiB }: VmsConfig): VmsSettings {
  return {
    ...(max === undefined ? {} : { max }),
    ...(maxMemory === undefined ? {} : { maxMemory }),
    ...(maxDiskGiB === undefined ? {} : { maxDiskBytes: Math.floor(maxDiskGiB * 1_024 ** 3) }),
  };
}
